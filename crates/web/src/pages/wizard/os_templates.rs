//! `/containers/new/{id}/os-templates`: what the node can download from Proxmox's catalogue, and how far that is.

use axum::Form;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_domain::os_template::DownloadState;
use berth_operations::node_options::StorageSpace;
use berth_operations::os_templates::{self, Appliance, Progress, Section};
use berth_operations::{Error, drafts, nodes};
use serde::Deserialize;

use super::draft::Opened;
use super::offer;
use super::view::{CatalogueSection, DownloadFragment, DownloadView, OsTemplatesPage, WizardStep};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::forms::{Choice, FormErrors, Rejected};
use crate::layout::Tone;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    q: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    file: String,
    storage: String,
}

/// Where the catalogue is.
pub(super) fn path(opened: &Opened) -> String {
    format!("{}/os-templates", opened.wizard(WizardStep::Configure).base)
}

pub(super) async fn show(opened: Opened, Query(search): Query<Search>) -> Result<Response, WebError> {
    page(&opened, search.q, Chosen::default(), &FormErrors::default()).await
}

/// Begins the download and goes back to the form, where it is followed: everything else can be filled in meanwhile.
pub(super) async fn start(mut opened: Opened, Form(chosen): Form<Chosen>) -> Result<Response, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let Some(node) = opened.draft.form.node_id() else { return Ok(opened.go_to(WizardStep::Configure)) };
    let wanted = (node, chosen.storage.as_str(), chosen.file.as_str());
    match os_templates::download(ctx, user, opened.draft.id, wanted).await {
        // Asking the node takes a while: whatever else was typed meanwhile stays.
        Ok(volid) => {
            opened.draft = drafts::find(ctx, user, opened.draft.id).await?;
            opened.draft.form.os_template = volid;
        }
        Err(Error::Invalid(errors)) => {
            let errors = FormErrors::from(errors);
            return Ok(Rejected(page(&opened, String::new(), chosen, &errors).await?).into_response());
        }
        // The node was deleted in another tab.
        Err(Error::NotFound) => return Ok(opened.go_to(WizardStep::Configure)),
        Err(error) => return Err(error.into()),
    }
    opened.save(None).await?;
    Ok(opened.go_to(WizardStep::Configure))
}

/// The part of the form that follows the download.
pub(super) async fn progress(opened: Opened) -> Result<DownloadFragment, WebError> {
    let download = shown(&opened).await?;
    let ended = download.as_ref().is_none_or(|download| download.state != DownloadState::Running);
    Ok(DownloadFragment { wizard: opened.wizard(WizardStep::Configure), download, ended })
}

pub(super) async fn cancel(opened: Opened) -> Result<Response, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let path = opened.wizard(WizardStep::Configure).here();
    let said = match os_templates::cancel(ctx, user, opened.draft.id).await {
        Ok(()) => return Ok(opened.go_to(WizardStep::Configure)),
        Err(Error::Conflict(text)) => text,
        Err(Error::Node(trouble)) => trouble.to_string(),
        Err(error) => return Err(error.into()),
    };
    opened.call.go_to_saying(&path, Tone::Warning, said).await
}

/// The download that belongs to the OS template which the draft has chosen, on the node it has chosen.
pub(super) async fn shown(opened: &Opened) -> Result<Option<DownloadView>, WebError> {
    let form = &opened.draft.form;
    let found = os_templates::progress(opened.call.ctx(), opened.call.user_id(), opened.draft.id).await?;
    let Some(Progress { download, percent, trouble }) = found else { return Ok(None) };
    let volid = download.volid();
    if form.os_template != volid || form.node_id() != Some(download.node_id) {
        return Ok(None);
    }
    Ok(Some(DownloadView {
        volid,
        file: download.file,
        storage: download.storage,
        state: download.state,
        percent,
        problem: download.error.or(trouble),
    }))
}

async fn page(
    opened: &Opened,
    search: String,
    chosen: Chosen,
    errors: &FormErrors,
) -> Result<Response, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let nodes = nodes::stored(ctx, user).await?;
    let Some(node) = nodes.into_iter().find(|node| Some(node.id) == opened.draft.form.node_id()) else {
        return Ok(opened.go_to(WizardStep::Configure));
    };
    let (catalogue, storages) = match os_templates::catalogue(ctx, user, node.id).await {
        Ok(found) => (Ok(sections(found.sections, &search)), found.storages.unwrap_or_default()),
        Err(Error::Node(trouble)) => {
            let trouble = NodeTrouble { retry: Some(path(opened)), ..NodeTrouble::from(*trouble) };
            (Err(trouble), Vec::new())
        }
        Err(error) => return Err(error.into()),
    };
    let storage = if chosen.storage.is_empty() { roomiest(&storages) } else { chosen.storage };
    let page = OsTemplatesPage {
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Configure),
        node: node.name,
        search,
        catalogue,
        file: errors.field("file", chosen.file),
        storage: errors.field("storage", storage),
        storages: storages.iter().map(|each| -> Choice { offer::storage(each) }).collect(),
    };
    Ok(page.into_response())
}

fn roomiest(storages: &[StorageSpace]) -> String {
    storages.iter().max_by_key(|each| each.free).map(|each| each.name.clone()).unwrap_or_default()
}

/// What has every word of the search in it.
fn sections(found: Vec<Section>, search: &str) -> Vec<CatalogueSection> {
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let fits = |each: &Appliance| {
        let text = format!("{} {} {}", each.file, each.headline, each.description).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let section = |section: Section| CatalogueSection {
        title: title(&section.name),
        appliances: section.appliances.into_iter().filter(fits).collect(),
    };
    found.into_iter().map(section).filter(|section| !section.appliances.is_empty()).collect()
}

fn title(section: &str) -> String {
    match section {
        "system" => "Systems".into(),
        "turnkeylinux" => "TurnKey Linux appliances".into(),
        "mail" => "Mail".into(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_needs_every_word() {
        let appliance = |file: &str, headline: &str| Appliance {
            file: file.into(),
            headline: headline.into(),
            description: String::new(),
            version: String::new(),
            os: String::new(),
            on: Vec::new(),
        };
        let found = || {
            vec![
                Section {
                    name: "system".into(),
                    appliances: vec![
                        appliance("debian-13-standard", "Debian 13 Trixie"),
                        appliance("alpine-3", "Alpine"),
                    ],
                },
                Section { name: "mail".into(), appliances: vec![appliance("proxmox-mail", "Mail gateway")] },
            ]
        };
        let count = |search| {
            let sections = sections(found(), search);
            (sections.len(), sections.iter().map(|section| section.appliances.len()).sum::<usize>())
        };
        assert_eq!(
            (count(""), count("  "), count("trixie DEBIAN"), count("debian alpine")),
            ((2, 3), (2, 3), (1, 1), (0, 0))
        );
    }
}
