//! Row ids as types of their own, so that a node's id cannot be passed for a container's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; ids made later sort later (UUID version 7).
            #[allow(clippy::new_without_default, reason = "a new id is never a default value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as the database holds it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

id!(
    /// A person who has logged in: one Proxmox userid on one login host.
    UserId
);
id!(
    /// A Proxmox VE host that a user has added.
    NodeId
);
id!(
    /// A managed container.
    ContainerId
);
id!(
    /// The job that makes a container and provisions it.
    CreationId
);
id!(
    /// A recipe for containers.
    ContainerTemplateId
);
id!(
    /// A wizard that has not been submitted yet.
    DraftId
);
id!(
    /// A named list of packages.
    PackageBucketId
);
id!(
    /// A session where its owner sees it listed. It opens nothing, and the session's own id cannot be told from it.
    SessionHandle
);
id!(
    /// A download of an OS template from Proxmox's catalogue.
    OsTemplateDownloadId
);
id!(
    /// Something that is asked of a container.
    ActionId
);
id!(
    /// A line of a container's history.
    ContainerEventId
);
