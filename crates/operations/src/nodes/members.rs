//! The other members of a stored node's cluster, which share its API token and, most often, its SSH login.

use berth_domain::node::Node;
use berth_domain::node_health::ClusterMember;
use berth_domain::{Fingerprint, Host, NodeId, UserId};
use berth_proxmox::cluster::ClusterNode;
use berth_proxmox::nodes::NodeSummary;
use berth_store::nodes;

use super::form::NodeForm;
use super::input::{Basis, Member};
use super::report::Found;
use crate::{Context, Error, NodeConnection, Result};

/// How long the stored node may take to say who is in its cluster.
const ASKING: std::time::Duration = std::time::Duration::from_secs(5);
/// Proxmox supports about half as many.
const MOST_MEMBERS: usize = 64;

/// The form that adds another member of a stored node's cluster, by PVE node name, filled in as far as the cluster
/// tells: address and certificate. The token and the SSH login are those of the stored node.
///
/// [`Error::Conflict`] for one that is offline, added already or not a member.
pub async fn member_form(ctx: &Context, user: UserId, id: NodeId, name: &str) -> Result<NodeForm> {
    let connection = NodeConnection::for_user(ctx, user, id).await?;
    let node = &connection.node;
    let theirs = nodes::list(&ctx.pg, user).await?;
    if let Some(added) = theirs.iter().find(|other| is_member(other, node, name)) {
        return Err(Error::Conflict(format!("{name} is added already, as {}", added.name)));
    }
    let member = ask(&connection, |member| member.name == name).await?.ok_or_else(|| {
        Error::Conflict(format!(
            "{} knows no member {name} in its cluster. Reload the page and try again",
            node.name
        ))
    })?;
    Ok(NodeForm {
        name: free_name(name, &theirs),
        host: member.host.to_string(),
        ssh_host: String::new(),
        member_of: id.to_string(),
        ..NodeForm::of(node)
    })
}

/// The same again when that form comes back: only for a member of that cluster, where the cluster says it is now.
pub(super) async fn basis(ctx: &Context, user: UserId, form: &NodeForm) -> Result<Basis> {
    let id: NodeId = form.member_of.parse().map_err(|_| Error::NotFound)?;
    let stored = nodes::credentials(&ctx.pg, user, id, &ctx.keyring).await?.ok_or(Error::NotFound)?;
    let connection = NodeConnection::for_user(ctx, user, id).await?;
    // Another host than any member's gets no secret but what is typed for it.
    let Ok(host) = form.host.parse::<Host>() else { return Ok(Basis::New) };
    let is_here = |member: &ClusterNode| address(member).as_ref() == Some(&host);
    let member = ask(&connection, is_here).await?;
    Ok(member.map_or(Basis::New, |member| Basis::Member(Box::new(stored), member)))
}

/// The members of a node's cluster that its owner has not added.
pub(super) async fn not_added(
    ctx: &Context,
    user: UserId,
    node: &Node,
    found: &Found,
) -> Result<Vec<String>> {
    let theirs = nodes::list(&ctx.pg, user).await?;
    let is_new = |name: &&str| !theirs.iter().any(|other| is_member(other, node, name));
    let names = found.members.iter().map(|member| member.name.as_str());
    Ok(names.filter(is_new).map(str::to_owned).collect())
}

/// The other members as the list of nodes offers them.
pub(super) fn known(members: &[ClusterNode]) -> Vec<ClusterMember> {
    let others = members.iter().filter(|member| !member.local).take(MOST_MEMBERS);
    let known = |member: &ClusterNode| ClusterMember {
        name: member.name.clone(),
        address: member.ip.clone(),
        online: member.online,
    };
    others.map(known).collect()
}

fn is_member(other: &Node, node: &Node, name: &str) -> bool {
    other.cluster == node.cluster && other.pve_node_name == name
}

fn address(member: &ClusterNode) -> Option<Host> {
    member.ip.as_deref()?.parse().ok()
}

/// Another member of the cluster as the stored node knows it: `GET /cluster/status` and `GET /nodes`.
async fn ask(connection: &NodeConnection, wanted: impl Fn(&ClusterNode) -> bool) -> Result<Option<Member>> {
    let client = connection.client.within(ASKING);
    let (status, nodes) = tokio::join!(client.cluster_status(), client.nodes());
    let trouble = |error| connection.trouble(error);
    let (status, nodes) = (status.map_err(trouble)?, nodes.map_err(trouble)?);
    let Some(found) = status.members.iter().find(|member| !member.local && wanted(member)) else {
        return Ok(None);
    };
    let (name, by) = (&found.name, &connection.node.name);
    if !found.online {
        return Err(Error::Conflict(format!("{name} is offline, says {by}. Start it, and add it then")));
    }
    let host = address(found).ok_or_else(|| unknown(by, name, "address"))?;
    let certificate = fingerprint(&nodes, name).ok_or_else(|| unknown(by, name, "certificate"))?;
    Ok(Some(Member { name: name.clone(), host, certificate }))
}

fn unknown(by: &str, name: &str, what: &str) -> Error {
    Error::Conflict(format!("{by} does not know the {what} of {name}. Add {name} by hand, with Add node"))
}

fn fingerprint(nodes: &[NodeSummary], name: &str) -> Option<Fingerprint> {
    nodes.iter().find(|node| node.node == name)?.ssl_fingerprint.as_deref()?.parse().ok()
}

/// The PVE node name, or the same with a number where the user has a node of that name.
fn free_name(name: &str, theirs: &[Node]) -> String {
    let is_free = |name: &String| !theirs.iter().any(|node| node.name == *name);
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).expect("there is always a higher number")
}
