//! Whether what stands under a container's VMID is still that container: asked before anything is done to it.
//!
//! A VMID is a number that Proxmox gives away again. What Berth made or adopted carries a line in its Proxmox notes, which a new container
//! does not have.

use berth_domain::container::Container;
use berth_domain::{CreationId, Vmid};
use berth_proxmox::Error as HostError;
use berth_proxmox::lxc::ContainerConfig;

use crate::foreign::shortened;
use crate::{Error, NodeConnection, Result};

/// How the lines begin by which Berth knows containers again: those it made, those it adopted.
const BEGINNINGS: [&str; 2] = ["berth-creation:", "berth-container:"];
/// Characters of a foreign host name that a message shows.
const LONGEST_NAME: usize = 100;

/// What stands under a container's VMID on its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The container itself.
    Same(Box<ContainerConfig>),
    /// Something whose notes lack our line: most likely another container; with its name.
    Another(String),
    /// Nothing.
    Missing,
}

/// The line in the notes of what a creation has made.
pub(crate) fn creation_line(id: CreationId) -> String {
    format!("{} {id}", BEGINNINGS[0])
}

/// The line by which a container is known again.
pub fn line(container: &Container) -> String {
    match container.creation_id {
        Some(id) => creation_line(id),
        None => format!("{} {}", BEGINNINGS[1], container.id),
    }
}

/// Whether the notes have this line.
pub(crate) fn has_line(config: &ContainerConfig, line: &str) -> bool {
    config.description().is_some_and(|notes| notes.lines().any(|found| found.trim() == line))
}

/// The notes with this line in place of any other of Berth's, such as a clone brings along; the rest stays as it is.
pub(crate) fn marked(notes: &str, line: &str) -> String {
    let is_ours = |text: &str| BEGINNINGS.iter().any(|beginning| text.trim_start().starts_with(beginning));
    let kept: Vec<&str> = notes.lines().filter(|text| !is_ours(text)).collect();
    let kept = kept.join("\n");
    let kept = kept.trim_end();
    if kept.is_empty() { line.to_owned() } else { format!("{kept}\n\n{line}") }
}

/// Looks under the container's VMID on its node, once.
pub async fn look(connection: &NodeConnection, container: &Container) -> berth_proxmox::Result<Found> {
    look_at(connection, connection.pve_node(), container.vmid, &line(container)).await
}

/// The same on any member of the node's cluster.
pub(crate) async fn look_at(
    connection: &NodeConnection,
    pve_node: &str,
    vmid: Vmid,
    line: &str,
) -> berth_proxmox::Result<Found> {
    match connection.client.container_config(pve_node, vmid).await {
        Ok(config) if has_line(&config, line) => Ok(Found::Same(Box::new(config))),
        Ok(config) => Ok(Found::Another(shortened(config.hostname().unwrap_or("another one"), LONGEST_NAME))),
        Err(HostError::NotFound { .. }) => Ok(Found::Missing),
        Err(error) => Err(error),
    }
}

/// The container's configuration, once it is known to be that container. [`Error::Conflict`] says what is there now, and that nothing was
/// done to it.
pub async fn check(connection: &NodeConnection, container: &Container) -> Result<ContainerConfig> {
    match look(connection, container).await.map_err(|error| connection.trouble(error))? {
        Found::Same(config) => Ok(*config),
        Found::Another(name) => Err(Error::Conflict(another(container, &connection.node.name, &name))),
        Found::Missing => Err(Error::Conflict(missing(container, &connection.node.name))),
    }
}

/// What to tell of a VMID under which something else stands.
pub(crate) fn another(container: &Container, node: &str, name: &str) -> String {
    let Container { vmid, hostname, .. } = container;
    format!(
        "Container {vmid} on {node} is now \"{name}\", and its notes lack the line \"{}\" by which Berth knows {hostname} again. Nothing was \
         done to it. If it is the same container, adopt it again; if not, forget {hostname}",
        line(container)
    )
}

/// What to tell of a VMID under which nothing stands.
pub(crate) fn missing(container: &Container, node: &str) -> String {
    let Container { vmid, hostname, .. } = container;
    format!("{hostname} ({vmid}) is not on {node} any more. If it was deleted there, forget it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_takes_the_place_of_others_and_nothing_else_is_lost() {
        let line = "berth-container: b";
        assert_eq!(marked("", line), line);
        assert_eq!(marked("Mail\n\n* ünï\n", line), "Mail\n\n* ünï\n\nberth-container: b");
        assert_eq!(
            marked("Created by Berth\n\nberth-creation: a\nmore", line),
            "Created by Berth\n\nmore\n\nberth-container: b"
        );
        let twice = marked(&marked("Mail", line), line);
        assert_eq!(twice, marked("Mail", line));
    }

    #[test]
    fn a_line_that_only_resembles_ours_is_not_ours() {
        let config = |notes: &str| {
            let options = serde_json::json!({ "description": notes });
            serde_json::from_value::<ContainerConfig>(options).unwrap()
        };
        let line = "berth-container: 7";
        assert!(has_line(&config("Mail\n  berth-container: 7 \n"), line));
        for notes in ["", "berth-container: 77", "see berth-container: 7", "berth-creation: 7"] {
            assert!(!has_line(&config(notes), line), "{notes}");
        }
    }
}
