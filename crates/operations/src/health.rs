//! Whether Berth can work.

use std::time::Duration;

use crate::{Context, Result};

const DEADLINE: Duration = Duration::from_secs(3);

/// Asks PostgreSQL and Redis whether they answer.
pub async fn check(ctx: &Context) -> Result<()> {
    let both = async {
        berth_store::ping(&ctx.pg).await?;
        ctx.redis.ping().await
    };
    let answered = tokio::time::timeout(DEADLINE, both).await;
    answered.unwrap_or_else(|_| {
        Err(berth_store::Error::Unavailable {
            service: "PostgreSQL or Redis",
            cause: "no answer in time".into(),
        })
    })?;
    Ok(())
}
