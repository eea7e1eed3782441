//! The connection to Redis. Nothing in Redis is the only copy of anything but sessions.

use std::fmt;
use std::time::Duration;

use fred::clients::{Pool, SubscriberClient};
use fred::interfaces::ClientLike as _;
use fred::types::Builder;
use fred::types::config::{Config, ReconnectPolicy, UnresponsiveConfig};

use crate::error::{Error, Result};

/// How long a command may take, reconnecting included.
const COMMAND: Duration = Duration::from_secs(5);

/// Connections to one Redis, and the prefix of all keys there. Clones share the connections.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    config: Config,
    prefix: String,
}

impl fmt::Debug for Redis {
    // The configuration may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({}*)", self.prefix)
    }
}

impl Redis {
    /// Connects with `size` connections to `redis://[:password@]host:port[/db]` or
    /// `redis+unix:///path/redis.sock`. Fails when the first connection does; later ones are made anew for as
    /// long as it takes.
    pub async fn connect(url: &str, size: usize) -> Result<Self> {
        let config = Config::from_url(url).map_err(|_| {
            // The parser's message could repeat the URL, and with it a password.
            Error::Url(
                "the Redis URL does not parse: redis://host:6379 or redis+unix:///path/redis.sock".into(),
            )
        })?;
        let pool = builder(config.clone()).build_pool(size)?;
        pool.init().await?;
        Ok(Self { pool, config, prefix: "berth:".into() })
    }

    /// The same connections with keys of their own below `berth:`, so that tests do not meet.
    #[must_use]
    pub fn isolated(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}:", self.prefix), ..self.clone() }
    }

    /// A key's full name.
    pub(crate) fn key(&self, kind: &str, id: impl fmt::Display) -> String {
        format!("{}{kind}:{id}", self.prefix)
    }

    /// The channel on which progress is announced.
    pub(crate) fn progress_channel(&self) -> String {
        format!("{}progress", self.prefix)
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A connection of its own for subscriptions; it reconnects and subscribes again by itself.
    pub(crate) async fn subscriber(&self) -> Result<SubscriberClient> {
        let client = builder(self.config.clone()).build_subscriber_client()?;
        client.init().await?;
        Ok(client)
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<()> {
        let _: String = self.pool.ping(None).await?;
        Ok(())
    }

    /// Closes the connections of all clones.
    pub async fn close(&self) {
        if let Err(error) = self.pool.quit().await {
            tracing::debug!(%error, "closing Redis connections");
        }
    }
}

fn builder(config: Config) -> Builder {
    let mut builder = Builder::from_config(config);
    builder
        .with_performance_config(|performance| {
            performance.default_command_timeout = COMMAND;
            performance.broadcast_channel_capacity = 1024;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = COMMAND;
            connection.internal_command_timeout = COMMAND;
            connection.unresponsive =
                UnresponsiveConfig { max_timeout: Some(COMMAND * 2), interval: Duration::from_secs(2) };
        })
        .set_policy(ReconnectPolicy::new_exponential(0, 50, 2_000, 2));
    builder
}
