//! Everything a person or a job can ask Berth for.
//!
//! Each module is a feature and its functions are the user's verbs. A person's calls take their [`berth_domain::UserId`] and answer
//! [`Error::NotFound`] for what is not theirs; a job's calls take the creation's id and reach only that creation's node.

pub mod actions;
pub mod container_templates;
pub mod containers;
pub mod context;
pub mod creation;
pub mod dashboard;
pub mod drafts;
mod error;
mod foreign;
mod forms;
pub mod health;
pub mod history;
pub mod identity;
mod lease;
pub mod login;
pub mod logs;
pub mod node_connection;
pub mod node_options;
pub mod nodes;
pub mod os_templates;
pub mod package_buckets;
pub mod queue;
pub mod services;
pub mod sessions;
pub mod vmids;

pub use context::{Context, Settings};
pub use error::{Error, FieldErrors, NodeTrouble, Result};
pub use node_connection::NodeConnection;
