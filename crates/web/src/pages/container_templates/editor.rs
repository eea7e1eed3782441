//! `/templates/new`, `/templates/{id}/edit` and `/templates/{id}/duplicate`.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use berth_domain::ContainerTemplateId;
use berth_operations::Error;
use berth_operations::container_templates::authoring::{self, FileContent, Form, Saved, TypedFile};

use super::editor_view::{EditorPage, Shown};
use super::sent::{self, Sent, Upload};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::forms::FormErrors;
use crate::layout::{Section, Tone};

/// What a form is about.
#[derive(Clone)]
enum Subject {
    New,
    Edited { id: ContainerTemplateId, title: String },
}

/// An empty one.
pub(super) async fn new(call: Call) -> Result<EditorPage, WebError> {
    let form = Form {
        scripts: vec![authoring::TypedScript { name: "10-install.sh".into(), content: String::new() }],
        ..Form::default()
    };
    page(&call, &Subject::New, &Shown { form, ..Shown::default() }).await
}

/// One like another one, which is stored when it is saved.
pub(super) async fn duplicate(call: Call, Id(id): Id<ContainerTemplateId>) -> Result<EditorPage, WebError> {
    let (mut form, _) = authoring::form_of(call.ctx(), call.user_id(), id).await?;
    form.title = format!("Copy of {}", form.title).chars().take(100).collect();
    page(&call, &Subject::New, &Shown { form, ..Shown::default() }).await
}

/// An own one.
pub(super) async fn edit(call: Call, Id(id): Id<ContainerTemplateId>) -> Result<EditorPage, WebError> {
    let subject = subject(&call, id).await?;
    let (form, version) = authoring::form_of(call.ctx(), call.user_id(), id).await?;
    page(&call, &subject, &Shown { form, version, ..Shown::default() }).await
}

/// Stores a new one.
pub(super) async fn create(call: Call, request: Request) -> Result<Response, WebError> {
    answer(call, Subject::New, request).await
}

/// Stores an own one anew. Whose it is comes before what was sent.
pub(super) async fn update(
    call: Call,
    Id(id): Id<ContainerTemplateId>,
    request: Request,
) -> Result<Response, WebError> {
    let subject = subject(&call, id).await?;
    answer(call, subject, request).await
}

async fn subject(call: &Call, id: ContainerTemplateId) -> Result<Subject, WebError> {
    let stored = authoring::own(call.ctx(), call.user_id(), id).await?;
    Ok(Subject::Edited { id, title: stored.recipe.title })
}

async fn answer(call: Call, subject: Subject, request: Request) -> Result<Response, WebError> {
    let mut sent = match sent::read(request).await {
        Ok(sent) => sent,
        Err(response) => return Ok(response),
    };
    let mut errors = keep_uploads(&call, &mut sent).await?;
    let (mut status, mut version, mut moved) = (StatusCode::OK, sent.version, false);
    if sent.is_to_be_saved() && errors.is_empty() {
        match save(&call, &subject, &sent).await {
            Ok(Saved::Done(id)) => {
                let text = format!("Saved {}", sent.form.title.trim());
                return call.go_to_saying(&format!("/templates/{id}"), Tone::Success, text).await;
            }
            Ok(Saved::Moved { version: stored }) => {
                (status, version, moved) = (StatusCode::CONFLICT, stored, true);
            }
            Err(Error::Invalid(found)) => errors = FormErrors::from(found),
            Err(error) => return Err(error.into()),
        }
    }
    if !errors.is_empty() {
        status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    let focus = sent.focus();
    let shown = Shown { form: sent.form, version, errors, moved, focus };
    Ok((status, page(&call, &subject, &shown).await?).into_response())
}

async fn save(call: &Call, subject: &Subject, sent: &Sent) -> Result<Saved, Error> {
    let (ctx, user) = (call.ctx(), call.user_id());
    match subject {
        Subject::New => Ok(Saved::Done(authoring::create(ctx, user, &sent.form).await?)),
        Subject::Edited { id, .. } => authoring::edit(ctx, user, *id, sent.version, &sent.form).await,
    }
}

/// Keeps the files that came with the form, whatever else is wrong with it.
async fn keep_uploads(call: &Call, sent: &mut Sent) -> Result<FormErrors, WebError> {
    let mut errors = FormErrors::default();
    for Upload { place, name, content } in std::mem::take(&mut sent.uploads) {
        let files = &mut sent.form.files;
        let place = place.unwrap_or_else(|| {
            let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
            files.push(TypedFile::new(format!("/opt/{name}"), FileContent::Text(String::new())));
            files.len() - 1
        });
        let Some(file) = files.get_mut(place) else { continue };
        match authoring::upload(call.ctx(), call.user_id(), &content).await {
            Ok(sha256) => {
                file.content = match authoring::is_editable(&content) {
                    Some(text) => FileContent::Text(text.into()),
                    None => FileContent::Kept { sha256: sha256.to_string(), size: content.len() as u64 },
                };
            }
            Err(Error::Conflict(message)) => {
                errors.add(format!("file_content.{place}"), format!("{name}: {message}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(errors)
}

async fn page(call: &Call, subject: &Subject, shown: &Shown) -> Result<EditorPage, WebError> {
    let (title, action, back) = match subject {
        Subject::New => ("New template".to_owned(), "/templates".to_owned(), "/templates".to_owned()),
        Subject::Edited { id, title } => {
            (format!("Edit {title}"), format!("/templates/{id}/edit"), format!("/templates/{id}"))
        }
    };
    let layout = call.layout(title, Section::ContainerTemplates).await?.under("Templates", "/templates");
    Ok(EditorPage::new(layout, action, back, shown))
}
