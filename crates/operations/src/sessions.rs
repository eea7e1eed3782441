//! Who is logged in where.

pub use berth_store::sessions::{IDLE, LOGIN, Login, OpenSession, SessionStore};

use berth_domain::{SessionHandle, UserId};

use crate::{Context, Error, Result};

/// The sessions in Redis, by the context's clock.
pub fn store(ctx: &Context) -> SessionStore {
    SessionStore::new(ctx.redis.clone(), ctx.clock.clone())
}

/// The user's open sessions, the latest login first.
pub async fn list(ctx: &Context, user: UserId) -> Result<Vec<OpenSession>> {
    Ok(store(ctx).list(user).await?)
}

/// Logs one of the user's browsers out.
pub async fn log_out(ctx: &Context, user: UserId, handle: SessionHandle) -> Result<()> {
    if !store(ctx).end(user, handle).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(%user, "logged one session out");
    Ok(())
}

/// Logs all of the user's browsers out but one; answers how many.
pub async fn log_out_others(ctx: &Context, user: UserId, keep: SessionHandle) -> Result<usize> {
    let ended = store(ctx).end_others(user, keep).await?;
    tracing::info!(%user, ended, "logged the other sessions out");
    Ok(ended)
}
