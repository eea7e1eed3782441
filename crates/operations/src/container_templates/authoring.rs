//! Container templates written in the page: each is its author's alone.

mod form;

use std::collections::BTreeMap;

use berth_domain::container_template::{ContainerTemplate, ContentHash, Stored};
use berth_domain::{ContainerTemplateId, UserId};
use berth_store::{PgConnection, container_templates as store, users};
pub use form::{FileContent, Form, TypedFile, TypedScript, is_editable};
pub use store::{Deleted, LiveCreation};
use time::Duration;

use crate::{Context, Error, FieldErrors, Result};

/// How long a file is kept that was sent with a form and not saved.
const KEPT: Duration = Duration::days(2);
/// So many bytes of such files one person may have.
const MOST_KEPT: u64 = 200 << 20;
/// So many container templates one person may have.
const MOST: u64 = 200;
/// So many bytes their scripts and files may have together.
const MOST_BYTES: u64 = 1 << 30;
/// Largest file, in bytes.
pub const FILE_LIMIT: usize = 5 << 20;

/// What became of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is stored.
    Done(ContainerTemplateId),
    /// Somebody has edited it since the form was opened, most likely the same person in another tab. Nothing was stored.
    Moved {
        /// The version that is stored now.
        version: i32,
    },
}

/// The form of one that the user sees: of an own one to edit it, of any to write another one like it.
pub async fn form_of(ctx: &Context, user: UserId, id: ContainerTemplateId) -> Result<(Form, i32)> {
    let stored = super::find(ctx, user, id).await?;
    Ok((Form::of(&stored.recipe), stored.version))
}

/// One of the user's own; [`Error::NotFound`] for everybody's.
pub async fn own(ctx: &Context, user: UserId, id: ContainerTemplateId) -> Result<Stored> {
    let stored = super::outline(ctx, user, id).await?;
    if stored.own { Ok(stored) } else { Err(Error::NotFound) }
}

/// Stores a new one. [`Error::Invalid`] names the fields as [`Form`] does.
pub async fn create(ctx: &Context, user: UserId, form: &Form) -> Result<ContainerTemplateId> {
    let recipe = checked(ctx, user, form).await?;
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    users::lock_kept(&mut tx, user).await?;
    let id = store::insert(&mut tx, user, &recipe, ctx.clock.now()).await.map_err(taken)?;
    stays_within_limits(&mut tx, user).await?;
    tx.commit().await.map_err(berth_store::Error::from)?;
    tracing::info!(%user, container_template = %id, "container template written");
    Ok(id)
}

/// Stores an own one anew, if it is still as it was in that version.
pub async fn edit(
    ctx: &Context,
    user: UserId,
    id: ContainerTemplateId,
    version: i32,
    form: &Form,
) -> Result<Saved> {
    let recipe = checked(ctx, user, form).await?;
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    users::lock_kept(&mut tx, user).await?;
    let now = ctx.clock.now();
    match store::update(&mut tx, user, id, version, &recipe, MOST_KEPT, now).await.map_err(taken)? {
        store::Updated::Done => {}
        store::Updated::Moved { version } => return Ok(Saved::Moved { version }),
        store::Updated::NotFound => return Err(Error::NotFound),
    }
    stays_within_limits(&mut tx, user).await?;
    tx.commit().await.map_err(berth_store::Error::from)?;
    Ok(Saved::Done(id))
}

/// What one person may have, after a change that is undone if it is too much.
async fn stays_within_limits(tx: &mut PgConnection, user: UserId) -> Result<()> {
    let written = store::written(tx, user).await?;
    if written.count > MOST {
        let message =
            format!("you have {MOST} templates of your own already: delete one that you do not need");
        return Err(FieldErrors::one("", message).into());
    }
    if written.bytes > MOST_BYTES {
        let most = MOST_BYTES >> 20;
        let message = format!(
            "with this one, the scripts and files of your templates are larger than {most} MiB together: delete some"
        );
        return Err(FieldErrors::one("", message).into());
    }
    Ok(())
}

/// Deletes an own one, unless a creation still works with it.
pub async fn delete(ctx: &Context, user: UserId, id: ContainerTemplateId) -> Result<Deleted> {
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    match store::delete(&mut conn, user, id).await? {
        Deleted::NotFound => Err(Error::NotFound),
        deleted => Ok(deleted),
    }
}

/// Keeps a file that came with a form, so that it need not be sent again when something else in the form is wrong. The message
/// of [`Error::Conflict`] belongs beside the file.
pub async fn upload(ctx: &Context, user: UserId, content: &[u8]) -> Result<ContentHash> {
    let now = ctx.clock.now();
    if content.len() > FILE_LIMIT {
        return Err(Error::Conflict(format!("this file is larger than {} MiB", FILE_LIMIT >> 20)));
    }
    expire_uploads(ctx).await?;
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    users::lock_kept(&mut tx, user).await?;
    if store::uploaded_bytes(&mut *tx, user).await? + content.len() as u64 > MOST_KEPT {
        let most = MOST_KEPT >> 20;
        return Err(Error::Conflict(format!(
            "more than {most} MiB of files wait to be saved: save some first"
        )));
    }
    let hash = store::upload(&mut *tx, user, content, now).await?;
    tx.commit().await.map_err(berth_store::Error::from)?;
    Ok(hash)
}

/// Throws away what was uploaded and not saved in time; answers how many.
pub async fn expire_uploads(ctx: &Context) -> Result<u64> {
    Ok(store::expire_uploads(&ctx.pg, ctx.clock.now() - KEPT).await?)
}

async fn checked(ctx: &Context, user: UserId, form: &Form) -> Result<ContainerTemplate> {
    if form.files.len() > form::MOST {
        return Err(FieldErrors::one("files", form::too_many()).into());
    }
    let kept = form.kept();
    // Asked before they are loaded: many files may name the same large content.
    if store::contents_size(&ctx.pg, user, &kept).await? > form::FILES_LIMIT as u64 {
        return Err(FieldErrors::one("files", form::too_large()).into());
    }
    let contents: BTreeMap<ContentHash, Vec<u8>> = store::contents(&ctx.pg, user, &kept).await?;
    Ok(form.check(&contents)?)
}

fn taken(error: berth_store::Error) -> Error {
    if error.is_conflict(store::TITLE) {
        return FieldErrors::one("title", "you have a container template of this title already").into();
    }
    error.into()
}
