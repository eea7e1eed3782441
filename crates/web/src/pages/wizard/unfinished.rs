//! What was begun and not finished.

use berth_domain::DraftId;
use berth_operations::creation::CreationForm;
use berth_operations::drafts::{self, Draft};
use berth_operations::nodes;

use super::draft::base;
use super::view::{UnfinishedDraft, WizardStep};
use crate::WebError;
use crate::extract::Call;

/// The user's drafts but the one that is open, the latest first.
pub(super) async fn list(call: &Call, open: Option<DraftId>) -> Result<Vec<UnfinishedDraft>, WebError> {
    let drafts = drafts::list(call.ctx(), call.user_id()).await?;
    let others: Vec<Draft> = drafts.into_iter().filter(|draft| Some(draft.id) != open).collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let nodes = nodes::stored(call.ctx(), call.user_id()).await?;
    let view = |draft: &Draft| {
        let form = &draft.form;
        let node = nodes.iter().find(|node| Some(node.id) == form.node_id());
        UnfinishedDraft {
            base: base(draft.id),
            title: title(form),
            template: template(form),
            vmid: Some(form.vmid.trim().to_owned()).filter(|vmid| !vmid.is_empty()),
            node: node.map(|node| node.name.clone()),
            step: next_step(form),
            updated_at: draft.updated_at,
        }
    };
    Ok(others.iter().map(view).collect())
}

/// What a draft is called: by its hostname, or by what it is to become.
pub(super) fn title(form: &CreationForm) -> String {
    let hostname = form.hostname.trim();
    if hostname.is_empty() { template(form) } else { hostname.to_owned() }
}

fn template(form: &CreationForm) -> String {
    if form.container_template_title.is_empty() {
        "From scratch".to_owned()
    } else {
        form.container_template_title.clone()
    }
}

/// The step that is next: the first that lacks something, or the last.
pub(super) fn next_step(form: &CreationForm) -> WizardStep {
    if !form.configuration_errors().is_empty() {
        WizardStep::Configure
    } else if !form.chosen_packages().errors.is_empty() {
        WizardStep::Packages
    } else {
        WizardStep::Review
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_called_by_what_is_known_of_it() {
        let form = |hostname: &str, recipe: &str| CreationForm {
            hostname: hostname.into(),
            container_template_title: recipe.into(),
            ..CreationForm::default()
        };
        assert_eq!(title(&form(" web-01 ", "nginx")), "web-01");
        assert_eq!(title(&form(" ", "nginx")), "nginx");
        assert_eq!(title(&form("", "")), "From scratch");
        assert_eq!(next_step(&form("", "")), WizardStep::Configure);
    }
}
