//! `GET /containers/new/{id}/script?name=…`: one script's text, on demand, so that long ones do not make the step heavy.

use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_domain::container_template::ContentHash;
use berth_operations::{Error, container_templates};
use serde::Deserialize;

use super::draft::Opened;
use super::scripts;
use super::view::{ScriptFragment, ScriptPage, WizardStep};
use crate::WebError;

/// So much of a script is put into the step; its own page has all of it. In bytes.
const PREVIEW: usize = 32 << 10;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    name: String,
}

/// The address of a script's text.
pub(super) fn address(base: &str, name: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("{base}/script?{}", query.append_pair("name", name).finish())
}

/// A part of the step for htmx, a page of its own for everybody else. A script that is not there any more is said to be gone.
pub(super) async fn show(opened: Opened, Query(wanted): Query<Wanted>) -> Result<Response, WebError> {
    let known = scripts::known(&opened).await?;
    let script = known.into_iter().find(|script| script.name == wanted.name);
    let content = match script {
        Some(script) => text(&opened, &script.sha256).await?,
        None => None,
    };
    if opened.call.by_htmx.0 {
        let address = address(&opened.wizard(WizardStep::Scripts).base, &wanted.name);
        return Ok(fragment(content, address).into_response());
    }
    let layout = opened.layout().await?;
    let wizard = opened.wizard(WizardStep::Scripts);
    Ok(ScriptPage { layout, back: wizard.here(), name: wanted.name, content }.into_response())
}

/// None when it was deleted in this very moment.
async fn text(opened: &Opened, sha256: &ContentHash) -> Result<Option<String>, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    match container_templates::content(ctx, user, sha256).await {
        Ok(content) => Ok(Some(String::from_utf8_lossy(&content).into_owned())),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn fragment(content: Option<String>, address: String) -> ScriptFragment {
    let Some(mut content) = content else { return ScriptFragment { content: None, rest: None } };
    let whole = content.len() as u64;
    let cut = content.len() > PREVIEW;
    content.truncate(content.floor_char_boundary(PREVIEW));
    ScriptFragment { content: Some(content), rest: cut.then_some((address, whole)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_kind_fits_into_an_address() {
        assert_eq!(address("/x", "10-a.sh"), "/x/script?name=10-a.sh");
        assert_eq!(address("/x", "a&b=c #ä"), "/x/script?name=a%26b%3Dc+%23%C3%A4");
    }

    #[test]
    fn a_long_script_is_cut_between_characters() {
        let shown = fragment(Some("ü".repeat(PREVIEW)), "/all".into());
        assert!(shown.content.is_some_and(|content| content.len() <= PREVIEW));
        assert_eq!(shown.rest, Some(("/all".into(), 2 * PREVIEW as u64)));
        assert_eq!(fragment(Some("true".into()), "/all".into()).rest, None);
    }
}
