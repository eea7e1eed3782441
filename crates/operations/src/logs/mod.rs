//! The logs of a container and of its services: their last lines, followed live, and as a whole.

mod cursor;
mod decode;
mod download;
mod follow;
mod lines;
mod listening;
mod open;
mod show;

use berth_domain::container::Container;
use berth_domain::discovery::{Service, ServiceKind};
use berth_domain::{ContainerId, UserId};

pub use self::download::{Download, download};
pub use self::follow::{Batch, follow};
pub use self::lines::{LogLine, Severity};
pub use self::show::{DEFAULT_LINES, LogPage, MOST_LINES, SEARCHED, show};
use crate::{Context, Error, Result};

/// Which log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of the system as a whole.
    System,
    /// That of a service of this name; of this kind, where two have the name.
    Service(String, Option<ServiceKind>),
}

/// What is wanted of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which log.
    pub whose: Whose,
    /// Where from, as [`LogPage::sources`] names it; the first of them where none is said.
    pub source: Option<String>,
    /// Only lines that hold this text, in any case.
    pub search: String,
}

impl Wanted {
    fn matches(&self, line: &LogLine) -> bool {
        let search = self.search.trim();
        search.is_empty() || line.text.to_lowercase().contains(&search.to_lowercase())
    }
}

/// A log that there is, as the script is told of it.
struct Log {
    container: Container,
    kind: &'static str,
    name: String,
    service: Option<Service>,
}

impl Log {
    /// Nothing but what was found in one of the user's containers has a log: [`Error::NotFound`] for any other name.
    async fn find(ctx: &Context, user: UserId, id: ContainerId, whose: &Whose) -> Result<Self> {
        let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
        let Whose::Service(name, kind) = whose else {
            return Ok(Self { container, kind: "system", name: String::new(), service: None });
        };
        let is_it =
            |service: &&Service| service.name == *name && kind.is_none_or(|kind| service.kind == kind);
        let service = container.services.iter().find(is_it).cloned().ok_or(Error::NotFound)?;
        let kind = match service.kind {
            ServiceKind::Systemd => "systemd",
            ServiceKind::Openrc => "openrc",
            ServiceKind::Docker => "docker",
            ServiceKind::Process => "process",
        };
        Ok(Self { container, kind, name: name.clone(), service: Some(service) })
    }
}
