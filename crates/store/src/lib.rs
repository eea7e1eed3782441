//! All of Berth's SQL and Redis, and the encryption of secrets.
//!
//! Functions take `impl PgExecutor` where one statement does it, `&mut PgConnection` where the caller may own
//! the transaction, and `&PgPool` where they need one of their own. Whatever a person asks for takes their
//! [`UserId`] as a condition of the query: somebody else's row is absent. Absence is `None` or `false`.
//!
//! [`UserId`]: berth_domain::UserId

pub mod changes;
pub mod container_actions;
pub mod container_events;
pub mod container_templates;
pub mod containers;
pub mod creations;
pub mod crypto;
pub mod drafts;
pub mod error;
pub mod guests;
pub mod login_hosts;
pub mod node_health;
pub mod nodes;
pub mod os_template_downloads;
pub mod package_buckets;
pub mod pending_logins;
pub mod pool;
pub mod progress;
pub mod redis;
pub mod rotation;
pub mod sessions;
mod text;
pub mod throttle;
pub mod users;
pub mod vmids;

pub use crypto::Keyring;
pub use error::{Error, Result};
pub use pool::{MIGRATOR, connect_postgres, migrate, ping};
pub use redis::Redis;
pub use sqlx::{PgConnection, PgPool};
