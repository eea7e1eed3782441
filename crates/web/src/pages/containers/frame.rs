//! What stands above each of a container's pages.

use berth_domain::container::Container;
use berth_operations::actions;
use berth_operations::containers::{ContainerBrief, State as Doing};

use super::actions::view::ActionBar;
use super::view::{Frame, Tab};
use super::{badge, service_links};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::layout::{Layout, Section};

/// A container and how it is.
pub(crate) struct Head {
    pub(crate) container: Container,
    /// What its owner calls its node.
    pub(crate) node: String,
    pub(crate) state: Doing,
    pub(crate) tags: Vec<String>,
}

impl From<ContainerBrief> for Head {
    fn from(brief: ContainerBrief) -> Self {
        let ContainerBrief { container, node_name: node, state, tags } = brief;
        Self { container, node, state, tags }
    }
}

/// The layout and the frame of one of a container's tabs.
pub(crate) async fn of(call: &Call, head: Head, tab: Tab) -> Result<(Layout, Frame), WebError> {
    let Head { container, node, state, tags } = head;
    // Most tabs show the state that the node's last list has: whoever is here counts as looking.
    call.state.live.dashboard(call.user_id()).await?;
    let layout = call.layout(container.hostname.clone(), Section::Containers).await?.under("Containers", "/");
    let url = format!("/containers/{}", container.id);
    let last = actions::last(call.ctx(), call.user_id(), container.id).await?;
    let bar = ActionBar::new(container.id, &container.hostname, badge(&state), last.as_ref());
    let trouble = match &state {
        Doing::Unknown(cause) => {
            Some(NodeTrouble { retry: Some(url.clone()), ..NodeTrouble::told(&node, cause) })
        }
        _ => None,
    };
    let frame = Frame {
        id: container.id,
        services: service_links(&container),
        url,
        tab,
        hostname: container.hostname,
        vmid: container.vmid.get(),
        state: badge(&state),
        bar,
        node,
        address: container.address,
        container_template: container.container_template,
        tags,
        created_at: container.created_at,
        creation_href: container.creation_id.map(|id| format!("/creations/{id}")),
        trouble,
    };
    Ok((layout, frame))
}
