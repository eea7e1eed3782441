//! Wizards that have not been submitted yet. A draft is kept until it is submitted, discarded or forgotten for long.

use berth_domain::{DraftId, UserId};
use berth_store::{PgConnection, drafts as store, users};
use time::{Duration, OffsetDateTime};

use crate::creation::{self, CreationForm, Original};
use crate::{Context, Error, FieldErrors, Result};

/// How many days an untouched draft is kept.
pub const KEPT_DAYS: i64 = 30;
/// How long a discarded draft can be brought back. Longer than any session, so that a page that still shows it can be sent; so long is
/// one kept, too, in which nothing was typed.
const ASIDE: Duration = Duration::days(1);
/// How many drafts somebody may have, without those that are discarded.
pub const MOST: u32 = 50;
/// How many package buckets one draft takes: it has a copy of each.
const MOST_BUCKETS: usize = 20;
/// The largest draft, in bytes of JSON.
const LARGEST: usize = 256 << 10;

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
/// [`Error::Conflict`] when the user has [`MOST`] drafts already, [`Error::Invalid`] as with [`fits`].
pub async fn start(ctx: &Context, user: UserId, form: CreationForm) -> Result<Draft> {
    begin(ctx, user, form, false).await
}

/// The same filled in like a container. Opened is not typed, but this one is worth as much.
pub async fn start_like(ctx: &Context, user: UserId, original: Original) -> Result<Draft> {
    begin(ctx, user, creation::like(ctx, user, original).await?, true).await
}

async fn begin(ctx: &Context, user: UserId, form: CreationForm, filled_in: bool) -> Result<Draft> {
    fits(&form)?;
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    users::lock_kept(&mut tx, user).await?;
    if store::count(&mut *tx, user).await? >= i64::from(MOST) {
        return Err(too_many());
    }
    let draft = insert(&mut tx, user, form, filled_in, ctx.clock.now()).await?;
    tx.commit().await.map_err(berth_store::Error::from)?;
    Ok(draft)
}

/// The same for somebody who has just lost a container to it: never refused.
pub(crate) async fn open(ctx: &Context, user: UserId, form: CreationForm) -> Result<Draft> {
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    insert(&mut conn, user, form, true, ctx.clock.now()).await
}

async fn insert(
    conn: &mut PgConnection,
    user: UserId,
    mut form: CreationForm,
    filled_in: bool,
    now: OffsetDateTime,
) -> Result<Draft> {
    if form.node.is_empty() {
        let node = berth_store::nodes::find_default(&mut *conn, user).await?;
        form.node = node.map(|node| node.id.to_string()).unwrap_or_default();
    }
    Ok(read(store::insert(conn, user, &json(&form), filled_in, now).await?))
}

fn too_many() -> Error {
    Error::Conflict(format!(
        "You have {MOST} containers begun and not finished. Finish or discard some of them under Create container"
    ))
}

/// Whether a form can be kept; what is too much of it is told beside its field.
pub fn fits(form: &CreationForm) -> Result<(), FieldErrors> {
    if form.buckets.len() > MOST_BUCKETS {
        return Err(FieldErrors::one("buckets", format!("switch at most {MOST_BUCKETS} buckets on")));
    }
    let json = json(form);
    let fields = json.as_object().into_iter().flatten().map(|(name, value)| (value.to_string().len(), name));
    let fields: Vec<_> = fields.collect();
    if fields.iter().map(|(size, _)| size).sum::<usize>() <= LARGEST {
        return Ok(());
    }
    let largest = fields.into_iter().max().map(|(_, name)| name.clone()).unwrap_or_default();
    let what_to_do = match largest.as_str() {
        "buckets" => "switch some buckets off",
        "packages" => "choose another container template",
        _ => "shorten it",
    };
    let most = LARGEST >> 10;
    let message = format!(
        "this is too much: all that is typed for a container has at most {most} KiB. Here, {what_to_do}"
    );
    Err(FieldErrors::one(largest, message))
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
/// read, [`Error::Invalid`] as with [`fits`], [`Error::Conflict`] as with [`restore`]: nothing is stored then.
pub async fn save(ctx: &Context, user: UserId, draft: &mut Draft) -> Result<()> {
    fits(&draft.form)?;
    let (now, form) = (ctx.clock.now(), json(&draft.form));
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    if draft.discarded {
        users::lock_kept(&mut tx, user).await?;
    }
    let stored = store::update(&mut *tx, user, draft.id, draft.version, &form, draft.discarded, now).await?;
    let Some(version) = stored else {
        store::find(&mut *tx, user, draft.id).await?.ok_or(Error::NotFound)?;
        return Err(Error::Behind);
    };
    if draft.discarded && store::count(&mut *tx, user).await? > i64::from(MOST) {
        return Err(too_many());
    }
    tx.commit().await.map_err(berth_store::Error::from)?;
    (draft.version, draft.discarded, draft.updated_at) = (version, false, now);
    Ok(())
}

/// Throws a draft away; for a day it can be brought back. Twice does no harm.
pub async fn discard(ctx: &Context, user: UserId, id: DraftId) -> Result<()> {
    store::discard(&ctx.pg, user, id, ctx.clock.now()).await?;
    Ok(())
}

/// Brings a discarded draft back. Twice does no harm. [`Error::Conflict`] when the user has [`MOST`] others by now.
pub async fn restore(ctx: &Context, user: UserId, id: DraftId) -> Result<()> {
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    users::lock_kept(&mut tx, user).await?;
    let draft = store::find(&mut *tx, user, id).await?.ok_or(Error::NotFound)?;
    if !draft.discarded {
        return Ok(());
    }
    store::restore(&mut *tx, user, id, ctx.clock.now()).await?;
    if store::count(&mut *tx, user).await? > i64::from(MOST) {
        return Err(too_many());
    }
    tx.commit().await.map_err(berth_store::Error::from)?;
    Ok(())
}

/// Throws away for good what was discarded a day ago, and what nobody has touched for [`KEPT_DAYS`]; answers how many.
pub async fn expire(ctx: &Context) -> Result<u64> {
    let now = ctx.clock.now();
    let sweep = store::Sweep { kept_since: now - Duration::days(KEPT_DAYS), aside_since: now - ASIDE };
    berth_store::os_template_downloads::delete_older_than(&ctx.pg, sweep.kept_since).await?;
    Ok(store::sweep(&ctx.pg, sweep).await?)
}
