//! The container templates: those found on disk, and one's own.

mod contents;
mod delete;
mod discover;
mod editor;
pub mod editor_view;
mod list;
pub mod search;
mod sent;
mod show;
pub mod view;

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::{get, post};
use berth_domain::package::{Package, PackageManager};

use self::view::PackageList;
use crate::state::AppState;

/// `/templates` and below.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/templates", get(list::page))
        .route("/templates/new", get(editor::new))
        .route("/templates/discover", post(discover::act))
        .route("/templates/contents/{hash}", get(contents::show))
        .route("/templates/{id}", get(show::page))
        .route("/templates/{id}/duplicate", get(editor::duplicate))
        .route("/templates/{id}/edit", get(editor::edit))
        .route("/templates/{id}/delete", get(delete::page).post(delete::act))
}

/// Where files are sent: these limit themselves what they read.
pub fn upload_routes() -> Router<AppState> {
    Router::new()
        .route("/templates", post(editor::create))
        .route("/templates/{id}/edit", post(editor::update))
}

/// Packages by manager, in the order in which the managers run.
pub(in crate::pages) fn package_lists(packages: &[Package]) -> Vec<PackageList> {
    let mut lists: BTreeMap<PackageManager, Vec<String>> = BTreeMap::new();
    for package in packages {
        lists.entry(package.manager()).or_default().push(package.argument());
    }
    lists.into_iter().map(|(manager, names)| PackageList { manager: manager.name().into(), names }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_listed_by_manager() {
        let packages = [
            (PackageManager::Npm, "typescript"),
            (PackageManager::Apt, "nginx"),
            (PackageManager::Apt, "curl"),
        ];
        let packages = packages.map(|(manager, line)| Package::parse(manager, line).unwrap());
        let lists: Vec<_> =
            package_lists(&packages).into_iter().map(|list| (list.manager, list.names.join(" "))).collect();
        assert_eq!(
            lists,
            [("apt".to_owned(), "nginx curl".to_owned()), ("npm".to_owned(), "typescript".to_owned())]
        );
    }
}
