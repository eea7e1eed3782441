//! Wizards that have not been submitted yet. A draft is kept until it is submitted, discarded or forgotten for long.

use berth_domain::{DraftId, UserId};
use time::{Duration, OffsetDateTime};

use crate::creation::form::CreationForm;
use crate::{Context, Error, Result};

/// How long an untouched draft is kept.
const KEPT: Duration = Duration::days(30);

/// A wizard so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its id; the creation it becomes has the same.
    pub id: DraftId,
    /// What was typed.
    pub form: CreationForm,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

fn json(form: &CreationForm) -> serde_json::Value {
    serde_json::to_value(form).expect("a form has only text, flags and lists")
}

/// A draft of an older version of Berth may lack fields; one that cannot be read begins anew rather than being in the way.
fn read(stored: berth_store::drafts::Draft) -> Draft {
    let form = serde_json::from_value(stored.form).unwrap_or_else(|error| {
        tracing::warn!(draft = %stored.id, %error, "a draft cannot be read and begins anew");
        CreationForm::default()
    });
    Draft { id: stored.id, form, updated_at: stored.updated_at }
}

/// Opens a wizard: from scratch or from a container template, on the user's default node, or on `form.node` if that is set.
pub async fn start(ctx: &Context, user: UserId, mut form: CreationForm) -> Result<Draft> {
    if form.node.is_empty() {
        let node = berth_store::nodes::find_default(&ctx.pg, user).await?;
        form.node = node.map(|node| node.id.to_string()).unwrap_or_default();
    }
    Ok(read(berth_store::drafts::insert(&ctx.pg, user, &json(&form), ctx.clock.now()).await?))
}

/// One of the user's drafts.
pub async fn find(ctx: &Context, user: UserId, id: DraftId) -> Result<Draft> {
    berth_store::drafts::find(&ctx.pg, user, id).await?.map(read).ok_or(Error::NotFound)
}

/// The user's drafts in which something was typed, the latest first.
pub async fn list(ctx: &Context, user: UserId) -> Result<Vec<Draft>> {
    Ok(berth_store::drafts::list(&ctx.pg, user).await?.into_iter().map(read).collect())
}

/// Stores the wizard as it is now, right or wrong: nothing typed is lost.
pub async fn save(ctx: &Context, user: UserId, id: DraftId, form: &CreationForm) -> Result<()> {
    let saved = berth_store::drafts::update(&ctx.pg, user, id, &json(form), ctx.clock.now()).await?;
    if saved { Ok(()) } else { Err(Error::NotFound) }
}

/// Throws a draft away. Twice does no harm.
pub async fn discard(ctx: &Context, user: UserId, id: DraftId) -> Result<()> {
    berth_store::drafts::delete(&ctx.pg, user, id).await?;
    Ok(())
}

/// Throws away the drafts that nobody has touched for 30 days; answers how many.
pub async fn expire(ctx: &Context) -> Result<u64> {
    let since = ctx.clock.now() - KEPT;
    let expired = berth_store::drafts::delete_older_than(&ctx.pg, since).await?;
    berth_store::os_template_downloads::delete_older_than(&ctx.pg, since).await?;
    Ok(expired)
}
