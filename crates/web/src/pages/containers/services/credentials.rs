//! `POST /containers/{id}/credentials/reveal`.

use axum::extract::Form;
use axum::response::{IntoResponse as _, Response};
use berth_domain::ContainerId;
use berth_domain::discovery::Credential;
use berth_operations::services;
use serde::Deserialize;

use super::view::CredentialPart;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    service: String,
    key: String,
}

/// Shows one value, to whoever asks for it and this once: as a part of the page, or within the whole of it.
pub(super) async fn reveal(
    call: Call,
    Id(id): Id<ContainerId>,
    Form(Asked { service, key }): Form<Asked>,
) -> Result<Response, WebError> {
    let saved = services::credentials(call.ctx(), call.user_id(), id).await?;
    if service.is_empty() || key.is_empty() {
        return Err(WebError::BadRequest("It does not say which credential".into()));
    }
    let wanted = Credential { service, key };
    let position = saved.iter().position(|credential| *credential == wanted).ok_or(WebError::NotFound)?;
    let value = match services::reveal(call.ctx(), call.user_id(), id, &wanted).await {
        Ok(value) => value,
        Err(error) if call.by_htmx.0 => return Err(error.into()),
        Err(error) => return super::in_trouble(&call, id, error).await,
    };
    if call.by_htmx.0 {
        let mut credential = super::CredentialRow::new(position, wanted);
        credential.value = Some(value);
        return Ok(CredentialPart { url: format!("/containers/{id}"), credential }.into_response());
    }
    let mut page = super::shown(&call, id).await?;
    if let Some(credential) = page.credentials.get_mut(position) {
        credential.value = Some(value);
    }
    Ok(page.into_response())
}
