//! Wizards that have not been submitted yet. A draft is kept until it is submitted, discarded or forgotten for long.

use berth_domain::{DraftId, UserId};
use berth_store::drafts as store;
use time::{Duration, OffsetDateTime};

use crate::creation::form::CreationForm;
use crate::{Context, Error, Result};

/// How many days an untouched draft is kept.
pub const KEPT_DAYS: i64 = 30;
/// How long a discarded draft can be brought back. Longer than any session, so that a page that still shows it can be sent; so long is
/// one kept, too, in which nothing was typed.
const ASIDE: Duration = Duration::days(1);
/// How many drafts somebody may have.
pub const MOST: u32 = 50;

/// A wizard so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its id; the creation it becomes has the same.
    pub id: DraftId,
    /// What was typed.
    pub form: CreationForm,
    /// Grows with each change: a page that shows an older one is behind.
    pub version: i32,
    /// Whether it was discarded. It is back as soon as it is saved, or by [`restore`].
    pub discarded: bool,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

fn json(form: &CreationForm) -> serde_json::Value {
    serde_json::to_value(form).expect("a form has only text, flags and lists")
}

/// A draft of an older version of Berth may lack fields; one that cannot be read begins anew rather than being in the way.
fn read(stored: store::Draft) -> Draft {
    let form = serde_json::from_value(stored.form).unwrap_or_else(|error| {
        tracing::warn!(draft = %stored.id, %error, "a draft cannot be read and begins anew");
        CreationForm::default()
    });
    Draft {
        id: stored.id,
        form,
        version: stored.version,
        discarded: stored.discarded,
        updated_at: stored.updated_at,
    }
}

/// Opens a wizard: from scratch or from a container template, on the user's default node, or on `form.node` if that is set.
///
/// [`Error::Conflict`] when the user has [`MOST`] drafts already.
pub async fn start(ctx: &Context, user: UserId, form: CreationForm) -> Result<Draft> {
    if store::count(&ctx.pg, user).await? >= i64::from(MOST) {
        return Err(Error::Conflict(format!(
            "You have {MOST} containers begun and not finished. Finish or discard some of them under Create container"
        )));
    }
    open(ctx, user, form).await
}

/// The same for somebody who has just lost a container to it: never refused.
pub(crate) async fn open(ctx: &Context, user: UserId, mut form: CreationForm) -> Result<Draft> {
    if form.node.is_empty() {
        let node = berth_store::nodes::find_default(&ctx.pg, user).await?;
        form.node = node.map(|node| node.id.to_string()).unwrap_or_default();
    }
    Ok(read(store::insert(&ctx.pg, user, &json(&form), ctx.clock.now()).await?))
}

/// One of the user's drafts, even if it was discarded a moment ago.
pub async fn find(ctx: &Context, user: UserId, id: DraftId) -> Result<Draft> {
    store::find(&ctx.pg, user, id).await?.map(read).ok_or(Error::NotFound)
}

/// The user's drafts in which something was typed, or which another container has filled in, the latest first.
pub async fn list(ctx: &Context, user: UserId) -> Result<Vec<Draft>> {
    Ok(store::list(&ctx.pg, user).await?.into_iter().map(read).collect())
}

/// Stores the wizard as it is now, right or wrong. A discarded draft is back by that. [`Error::Behind`] when it has been changed since it was
/// read: nothing is stored then.
pub async fn save(ctx: &Context, user: UserId, draft: &mut Draft) -> Result<()> {
    let now = ctx.clock.now();
    let stored = store::update(&ctx.pg, user, draft.id, draft.version, &json(&draft.form), now).await?;
    let Some(version) = stored else {
        find(ctx, user, draft.id).await?;
        return Err(Error::Behind);
    };
    (draft.version, draft.discarded, draft.updated_at) = (version, false, now);
    Ok(())
}

/// Throws a draft away; for a day it can be brought back. Twice does no harm.
pub async fn discard(ctx: &Context, user: UserId, id: DraftId) -> Result<()> {
    store::discard(&ctx.pg, user, id, ctx.clock.now()).await?;
    Ok(())
}

/// Brings a discarded draft back. Twice does no harm.
pub async fn restore(ctx: &Context, user: UserId, id: DraftId) -> Result<()> {
    if store::restore(&ctx.pg, user, id, ctx.clock.now()).await? { Ok(()) } else { Err(Error::NotFound) }
}

/// Throws away for good what was discarded a day ago, and what nobody has touched for [`KEPT_DAYS`]; answers how many.
pub async fn expire(ctx: &Context) -> Result<u64> {
    let now = ctx.clock.now();
    let sweep = store::Sweep { kept_since: now - Duration::days(KEPT_DAYS), aside_since: now - ASIDE };
    berth_store::os_template_downloads::delete_older_than(&ctx.pg, sweep.kept_since).await?;
    Ok(store::sweep(&ctx.pg, sweep).await?)
}
