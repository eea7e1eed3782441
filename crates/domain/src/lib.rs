//! Berth's nouns, ids and rules. No I/O: nothing here opens a socket, a file or a database.

pub mod action;
pub mod clock;
pub mod container;
pub mod container_event;
pub mod container_template;
pub mod creation;
pub mod discovery;
pub mod fingerprint;
pub mod guest;
pub mod host;
pub mod id;
pub mod network;
pub mod node;
pub mod node_health;
pub mod os_template;
pub mod package;
pub mod package_bucket;
pub mod secret;
pub mod token;
pub mod user;
pub mod vmid;

pub use clock::Clock;
pub use fingerprint::Fingerprint;
pub use host::{Host, HostPort};
pub use id::{
    ActionId, ContainerEventId, ContainerId, ContainerTemplateId, CreationId, DraftId, NodeId,
    OsTemplateDownloadId, PackageBucketId, SessionHandle, UserId,
};
pub use secret::Secret;
pub use token::TokenId;
pub use vmid::Vmid;
