//! `GET` and `POST /packages/{id}/merge`: one bucket into another.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::response::{IntoResponse, Response};
use berth_domain::PackageBucketId;
use berth_domain::package_bucket::PackageBucket;
use berth_operations::package_buckets::{self, Merged};
use berth_operations::{Error, FieldErrors};
use serde::Deserialize;

use super::form::{address, layout};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::filters;
use crate::forms::{Choice, Field, FormErrors, Rejected};
use crate::layout::{Layout, Tone};

/// Which bucket to merge into this one.
#[derive(Template, WebTemplate)]
#[template(path = "packages/merge.html")]
pub(super) struct BucketMergePage {
    layout: Layout,
    address: String,
    name: String,
    /// The person's other buckets.
    others: Vec<Choice>,
    from: Field,
    delete: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    from: String,
    delete: String,
}

pub(super) async fn show(call: Call, Id(id): Id<PackageBucketId>) -> Result<BucketMergePage, WebError> {
    page(&call, id, &Sent::default(), &FormErrors::default()).await
}

pub(super) async fn act(
    call: Call,
    Id(id): Id<PackageBucketId>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    let merged = match sent.from.parse() {
        Ok(from) => package_buckets::merge(call.ctx(), call.user_id(), id, from, sent.delete == "on").await,
        Err(_) => Err(FieldErrors::one("from", "choose a bucket").into()),
    };
    match merged {
        Ok(merged) => call.go_to_saying(&address(id), Tone::Success, said(&merged)).await,
        Err(Error::Invalid(errors)) => {
            Ok(Rejected(page(&call, id, &sent, &errors.into()).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn said(Merged { into, from, added }: &Merged) -> String {
    match added {
        0 => format!("{into} had everything that is in {from}"),
        1 => format!("Merged {from} into {into}: one package is new"),
        many => format!("Merged {from} into {into}: {many} packages are new"),
    }
}

async fn page(
    call: &Call,
    id: PackageBucketId,
    sent: &Sent,
    errors: &FormErrors,
) -> Result<BucketMergePage, WebError> {
    let buckets = package_buckets::list(call.ctx(), call.user_id(), "").await?;
    let (this, others): (Vec<_>, Vec<_>) = buckets.into_iter().partition(|bucket| bucket.id == id);
    let this = this.into_iter().next().ok_or(WebError::NotFound)?;
    let choice = |bucket: &PackageBucket| {
        let count = bucket.packages.len();
        let plural = if count == 1 { "" } else { "s" };
        Choice::new(bucket.id.to_string(), format!("{} ({count} package{plural})", bucket.name))
    };
    Ok(BucketMergePage {
        layout: layout(call, "Merge").await?.under(this.name.to_string(), address(id)),
        address: address(id),
        name: this.name.to_string(),
        others: others.iter().map(choice).collect(),
        from: errors.field("from", &sent.from),
        delete: sent.delete == "on",
    })
}
