//! `GET /packages/new` and `POST /packages`.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use berth_operations::package_buckets::{self, BucketForm};
use berth_operations::{Error, FieldErrors};

use super::form::{self, Sent};
use super::view::BucketFormPage;
use crate::WebError;
use crate::extract::Call;
use crate::forms::Rejected;
use crate::layout::Tone;

const TITLE: &str = "New bucket";

pub(super) async fn show(call: Call) -> Result<BucketFormPage, WebError> {
    Ok(form::untouched(form::layout(&call, TITLE).await?, None))
}

pub(super) async fn create(call: Call, Form(sent): Form<Sent>) -> Result<Response, WebError> {
    let only_reads = sent.go == "add";
    let typed = BucketForm::from(sent);
    let created = if only_reads {
        Err(Error::Invalid(FieldErrors::new()))
    } else {
        package_buckets::create(call.ctx(), call.user_id(), &typed).await
    };
    match created {
        Ok(bucket) => {
            let said = format!("Made {}", bucket.name);
            call.go_to_saying("/packages", Tone::Success, said).await
        }
        Err(Error::Invalid(errors)) => answer(&call, &typed, errors, only_reads).await,
        Err(error) => Err(error.into()),
    }
}

async fn answer(
    call: &Call,
    typed: &BucketForm,
    errors: FieldErrors,
    only_reads: bool,
) -> Result<Response, WebError> {
    let page =
        form::page(form::layout(call, TITLE).await?, None, typed, form::with(typed, errors, only_reads));
    Ok(if page.error_count == 0 { page.into_response() } else { Rejected(page).into_response() })
}
