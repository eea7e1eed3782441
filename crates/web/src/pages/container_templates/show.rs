//! `GET /templates/{id}`.

use axum::extract::Path;
use berth_domain::container_template::{Defaults, FileOutline, FilePolicy, ScriptOutline};
use berth_operations::container_templates;

use super::package_lists;
use super::view::{ContainerTemplatePage, FileView, ScriptView};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;
use crate::pages::containers::view::Fact;

pub(super) async fn page(call: Call, Path(id): Path<String>) -> Result<ContainerTemplatePage, WebError> {
    // One on disk may be linked to by the name of its folder.
    let stored = container_templates::outline_of(call.ctx(), call.user_id(), &id).await?;
    let id = stored.id;
    let recipe = stored.recipe;
    let layout = call.layout(recipe.title.clone(), Section::ContainerTemplates).await?;
    let script = |script: ScriptOutline| ScriptView {
        name: script.name,
        about: script.about,
        size: script.size,
        sha256: script.sha256.to_string(),
    };
    Ok(ContainerTemplatePage {
        layout: layout.under("Templates", "/templates"),
        create_href: format!("/containers/new?template={id}"),
        id: id.to_string(),
        own: stored.own,
        defaults: defaults(&recipe.defaults),
        packages: package_lists(&recipe.packages),
        scripts: recipe.scripts.into_iter().map(script).collect(),
        files: recipe.files.iter().map(file).collect(),
        name: recipe.name,
        title: recipe.title,
        description: recipe.description,
        tags: recipe.tags,
    })
}

fn file(file: &FileOutline) -> FileView {
    FileView {
        path: file.path.as_str().into(),
        policy: match file.policy {
            FilePolicy::Replace => "replaced",
            FilePolicy::Default => "left alone",
            FilePolicy::Backup => "kept beside it",
        }
        .into(),
        access: format!("{} {:04o}", file.owner.as_str(), file.mode),
        size: file.size,
        sha256: file.sha256.to_string(),
        file_name: file.path.as_str().rsplit('/').next().unwrap_or_default().into(),
    }
}

/// Only what the recipe says; the rest is as in any container.
fn defaults(defaults: &Defaults) -> Vec<Fact> {
    let amount = |label: &str, value: Option<u32>, unit: &str| {
        value.map(|value| Fact::new(label, format!("{value}{unit}")))
    };
    let flag =
        |label: &str, value: Option<bool>| value.map(|on| Fact::new(label, if on { "yes" } else { "no" }));
    [
        defaults.ostype.as_ref().map(|ostype| Fact::new("Operating system", ostype)),
        amount("Cores", defaults.cores, ""),
        amount("Memory", defaults.memory, " MiB"),
        amount("Swap", defaults.swap, " MiB"),
        amount("Disk", defaults.disk, " GiB"),
        flag("Unprivileged", defaults.unprivileged),
        flag("Nesting", defaults.nesting),
        flag("Keyctl", defaults.keyctl),
        flag("FUSE", defaults.fuse),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_recipe_says_is_listed() {
        let given = Defaults { memory: Some(2048), keyctl: Some(true), ..Defaults::default() };
        let facts: Vec<_> = defaults(&given).into_iter().map(|fact| (fact.label, fact.value)).collect();
        assert_eq!(
            facts,
            [("Memory".to_owned(), "2048 MiB".to_owned()), ("Keyctl".to_owned(), "yes".to_owned())]
        );
    }
}
