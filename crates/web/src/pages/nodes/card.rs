//! A node as its card in the list shows it.

use berth_domain::Vmid;
use berth_domain::node_health::{ApiHealth, Seen, SshHealth};
use berth_operations::nodes::{self, NodeOverview};
use time::OffsetDateTime;

use crate::badge::State;
use crate::error::NodeTrouble;

/// One node in the list.
#[derive(Debug)]
pub(super) struct NodeCard {
    pub(super) id: String,
    pub(super) name: String,
    /// `host:port` of its API.
    pub(super) address: String,
    /// The shape and the word of its badge.
    pub(super) badge: (State, &'static str),
    /// What is wrong with it and what to do.
    pub(super) notices: Vec<Notice>,
    /// Proxmox VE's version.
    pub(super) version: String,
    /// The name that Proxmox uses for it.
    pub(super) pve_node: String,
    /// Its cluster, unless it stands alone.
    pub(super) cluster: Option<String>,
    /// Whether new containers go to it.
    pub(super) is_default: bool,
    /// Whether commands can be run on it.
    pub(super) ssh: (Ssh, &'static str),
    /// When its API and SSH were asked last.
    pub(super) checked_at: Option<OffsetDateTime>,
    pub(super) ssh_checked_at: Option<OffsetDateTime>,
    /// Nobody checks it.
    pub(super) is_overdue: bool,
    /// Members of its cluster that can be added with one click.
    pub(super) members: Vec<Member>,
    /// The managed containers that are forgotten when it is deleted.
    pub(super) managed: Vec<String>,
}

/// All of them.
pub(super) struct Cards(pub(super) Vec<NodeCard>);

impl Cards {
    /// Some have not been asked since they were added or edited, but soon will be.
    pub(super) fn some_are_being_checked(&self) -> bool {
        self.0.iter().any(|card| card.checked_at.is_none() && !card.is_overdue)
    }

    /// Nobody checks them.
    pub(super) fn some_are_overdue(&self) -> bool {
        self.0.iter().any(|card| card.is_overdue)
    }
}

/// How the line on SSH is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ssh {
    Fine,
    Muted,
    Wrong,
}

/// Something to be done about a node.
#[derive(Debug)]
pub(super) struct Notice {
    /// A changed key or certificate, and not just trouble.
    pub(super) changed: Option<Changed>,
    /// What to do.
    pub(super) text: String,
    /// What was seen.
    pub(super) cause: String,
    /// Since when.
    pub(super) since: OffsetDateTime,
}

/// What a host showed before and shows now.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) trusted: String,
    pub(super) presented: String,
}

/// Another member of a node's cluster.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) online: bool,
}

/// A managed container in a list.
pub(super) fn container_label(hostname: &str, vmid: Vmid) -> String {
    format!("{hostname} ({vmid})")
}

impl From<NodeOverview> for NodeCard {
    fn from(overview: NodeOverview) -> Self {
        let NodeOverview { node, containers, health, is_overdue, offers } = overview;
        let version = match health.api.as_ref().map(|seen| &seen.state) {
            Some(ApiHealth::Reachable { version } | ApiHealth::PrivilegesMissing { version, .. }) => version,
            _ => &node.pve_version,
        };
        let api_notice = health.api.as_ref().and_then(|seen| api_notice(&node.name, seen));
        let dead = matches!(&health.api, Some(Seen { state: ApiHealth::Unreachable { .. }, .. }));
        let ssh_notice = health.ssh.as_ref().and_then(|seen| ssh_notice(&node.name, seen, dead));
        let members = offers.into_iter().map(|member| Member {
            name: member.name,
            address: member.address,
            online: member.online,
        });
        let cluster = nodes::cluster_name(&node.cluster).map(str::to_owned);
        Self {
            id: node.id.to_string(),
            address: node.address.to_string(),
            badge: badge(health.api.as_ref().map(|seen| &seen.state), is_overdue),
            notices: api_notice.into_iter().chain(ssh_notice).collect(),
            version: version.clone(),
            pve_node: node.pve_node_name,
            cluster: health.cluster_name.or(cluster),
            is_default: node.is_default,
            ssh: ssh(node.ssh.is_some(), health.ssh.as_ref().map(|seen| &seen.state)),
            checked_at: health.api.as_ref().map(|seen| seen.checked_at),
            ssh_checked_at: health.ssh.as_ref().map(|seen| seen.checked_at),
            is_overdue,
            members: members.collect(),
            managed: containers.iter().map(|each| container_label(&each.hostname, each.vmid)).collect(),
            name: node.name,
        }
    }
}

const fn badge(api: Option<&ApiHealth>, is_overdue: bool) -> (State, &'static str) {
    match api {
        _ if is_overdue => (State::Unknown, "Not checked"),
        None => (State::Creating, "Checking"),
        Some(ApiHealth::Reachable { .. }) => (State::Running, "Reachable"),
        Some(ApiHealth::PrivilegesMissing { .. }) => (State::Error, "Lacks privileges"),
        Some(ApiHealth::CertificateChanged { .. }) => (State::Error, "Certificate changed"),
        Some(ApiHealth::TokenRefused { .. }) => (State::Error, "Token refused"),
        Some(ApiHealth::Unreachable { .. }) => (State::Unknown, "Unreachable"),
    }
}

const fn ssh(has_access: bool, state: Option<&SshHealth>) -> (Ssh, &'static str) {
    match state {
        _ if !has_access => (Ssh::Muted, "Without: no provisioning, services or logs"),
        None => (Ssh::Muted, "Not checked yet"),
        Some(SshHealth::Works) => (Ssh::Fine, "Works"),
        Some(SshHealth::HostKeyChanged { .. }) => (Ssh::Wrong, "Host key changed"),
        Some(SshHealth::LoginRefused { .. }) => (Ssh::Wrong, "Login refused"),
        Some(SshHealth::SudoRefused { .. }) => (Ssh::Wrong, "Logs in, but sudo is refused"),
        Some(SshHealth::PctFails { .. }) => (Ssh::Wrong, "Logs in, but pct fails"),
        Some(SshHealth::Unreachable { .. }) => (Ssh::Wrong, "Does not answer"),
    }
}

fn notice(text: impl Into<String>, cause: &str, since: OffsetDateTime) -> Notice {
    Notice { changed: None, text: text.into(), cause: cause.into(), since }
}

fn changed(what: &str, trusted: String, presented: String, since: OffsetDateTime) -> Notice {
    let text = format!(
        "The {what} is not the one you trusted, and Berth does not connect to it. If you have replaced it yourself, review it and confirm the new one; if not, somebody may be in between."
    );
    Notice { changed: Some(Changed { trusted, presented }), text, cause: String::new(), since }
}

fn api_notice(name: &str, seen: &Seen<ApiHealth>) -> Option<Notice> {
    let since = seen.since;
    Some(match &seen.state {
        ApiHealth::Reachable { .. } => return None,
        ApiHealth::PrivilegesMissing { message, .. } => notice(
            "The API token may not do all that Berth needs. Test it under Edit, which shows the commands that grant the rest.",
            message,
            since,
        ),
        ApiHealth::CertificateChanged { expected, found } => {
            let trusted = expected.map_or_else(|| "a publicly trusted one".into(), |pin| pin.to_string());
            changed("certificate", trusted, found.to_string(), since)
        }
        ApiHealth::TokenRefused { message } => notice(
            "Proxmox does not accept the API token. If it was deleted or has expired, make a new one and type it under Edit.",
            message,
            since,
        ),
        ApiHealth::Unreachable { message } => {
            let told = NodeTrouble::told(name, message);
            notice(told.remedy, &told.cause, since)
        }
    })
}

fn ssh_notice(name: &str, seen: &Seen<SshHealth>, api_is_dead: bool) -> Option<Notice> {
    let since = seen.since;
    Some(match &seen.state {
        SshHealth::Works => return None,
        SshHealth::HostKeyChanged { expected, found } => {
            changed("SSH host key", expected.clone(), found.clone(), since)
        }
        SshHealth::LoginRefused { message } => notice(
            "SSH refuses the login. Correct the user, password or key under Edit. Until then it is seldom tried again, so that the host does not lock it out.",
            message,
            since,
        ),
        SshHealth::SudoRefused { message } => {
            notice("Add the sudoers line that Edit shows, then check again.", message, since)
        }
        SshHealth::PctFails { message } => {
            notice("Run pct list on the host by hand and see what it says.", message, since)
        }
        // One cause for both is told once.
        SshHealth::Unreachable { .. } if api_is_dead => return None,
        SshHealth::Unreachable { message } => {
            let told = NodeTrouble::told(name, message);
            notice(told.remedy, &told.cause, since)
        }
    })
}
