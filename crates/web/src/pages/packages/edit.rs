//! `GET` and `POST /packages/{id}`.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use berth_domain::PackageBucketId;
use berth_domain::package_bucket::PackageBucket;
use berth_operations::package_buckets::{self, BucketForm, Saving};
use berth_operations::{Error, FieldErrors};

use super::form::{self, Sent};
use super::view::BucketFormPage;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::forms::Rejected;
use crate::layout::Tone;

pub(super) async fn show(call: Call, Id(id): Id<PackageBucketId>) -> Result<BucketFormPage, WebError> {
    let bucket = package_buckets::find(call.ctx(), call.user_id(), id).await?;
    Ok(form::untouched(form::layout(&call, bucket.name.to_string()).await?, Some(&bucket)))
}

pub(super) async fn save(
    call: Call,
    Id(id): Id<PackageBucketId>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    let (ctx, user) = (call.ctx(), call.user_id());
    let bucket = package_buckets::find(ctx, user, id).await?;
    let only_reads = sent.go == "add";
    let typed = BucketForm::from(sent);
    let saved = if only_reads {
        Err(Error::Invalid(FieldErrors::new()))
    } else {
        package_buckets::save(ctx, user, id, &typed).await
    };
    match saved {
        Ok(Saving::Saved(name)) => {
            call.go_to_saying("/packages", Tone::Success, format!("Saved {name}")).await
        }
        Ok(Saving::ChangedMeanwhile(stored)) => changed(&call, typed, &stored).await,
        Err(Error::Invalid(errors)) => {
            let read = form::with(&typed, errors, only_reads);
            let page =
                form::page(form::layout(&call, bucket.name.to_string()).await?, Some(id), &typed, read);
            Ok(if page.error_count == 0 { page.into_response() } else { Rejected(page).into_response() })
        }
        Err(error) => Err(error.into()),
    }
}

/// What was typed, with what it would overwrite; sent again, it does.
async fn changed(call: &Call, mut typed: BucketForm, stored: &PackageBucket) -> Result<Response, WebError> {
    typed.revision = stored.revision;
    let read = typed.read();
    let changed = form::changed(stored, &read);
    let mut page =
        form::page(form::layout(call, stored.name.to_string()).await?, Some(stored.id), &typed, read);
    page.changed = Some(changed);
    Ok(Rejected(page).into_response())
}
