//! The API's part of the test.

use std::collections::BTreeSet;
use std::time::Duration;

use berth_domain::{Fingerprint, Vmid};
use berth_proxmox::access::{Permissions, Version};
use berth_proxmox::certificates::NodeCertificate;
use berth_proxmox::cluster::ClusterStatus;
use berth_proxmox::nodes::NodeSummary;
use berth_proxmox::{Auth, CertificateInfo, Client, Deadlines, Error, Trust, probe_certificate};
use tokio::time::Instant;

use super::form::NodeInput;
use super::privileges;
use super::report::{Check, CheckRow, CheckState, Found};

/// How long a host may take to show its certificate.
const PROBE: Duration = Duration::from_secs(5);

/// What the API's part of the test found.
#[derive(Debug, Default)]
pub(super) struct ApiResult {
    pub(super) rows: Vec<CheckRow>,
    /// To be confirmed before anything secret is sent.
    pub(super) unconfirmed: Option<CertificateInfo>,
    /// The certificate to pin; none where the public roots vouch for the host.
    pub(super) pin: Option<Fingerprint>,
    pub(super) found: Option<Found>,
    /// The containers on this node, as the API has them.
    pub(super) containers: Option<BTreeSet<Vmid>>,
}

pub(super) async fn check(input: &NodeInput, deadline: Instant) -> ApiResult {
    let mut result = ApiResult::default();
    let Some(trust) = settle_trust(input, deadline, &mut result).await else {
        skip(
            &mut result.rows,
            &[Check::Token, Check::Privileges, Check::NodeName],
            "The certificate comes first",
        );
        return result;
    };
    let left = left(deadline);
    let auth = Auth::Token { id: input.token_id.clone(), secret: input.token_secret.clone() };
    let deadlines = Deadlines { connect: left.min(PROBE), read: left, write: left };
    match Client::with_deadlines(input.address.clone(), trust, auth, deadlines) {
        Ok(client) => ask(&client, input, &mut result).await,
        Err(error) => result.rows.push(broken(Check::Token, &error)),
    }
    result
}

pub(super) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

pub(super) fn skip(rows: &mut Vec<CheckRow>, checks: &[Check], why: &str) {
    rows.extend(checks.iter().map(|check| CheckRow::skipped(*check, why)));
}

/// The row of a call that failed; the error's own text says what to check.
pub(super) fn broken(check: Check, error: &Error) -> CheckRow {
    let row = CheckRow::new(check, CheckState::Failed, error.to_string());
    let remedy = match error {
        Error::Unauthorized { .. } => {
            "Copy the token id and secret anew. Proxmox shows a secret only once: if it is lost, make another token"
        }
        Error::Forbidden { .. } => "Grant the token what it lacks, see the row on privileges",
        Error::SshAuth { .. } => {
            "Check the user and the password or key, and that the SSH server allows this way to log in"
        }
        Error::PctFailed { .. } => "Run pct list on the host by hand and see what it says",
        Error::Timeout { .. } => "The whole test may take 10 s. Try again, or look what keeps the host busy",
        _ => return row,
    };
    CheckRow { remedy: Some(remedy.into()), ..row }
}

async fn settle_trust(input: &NodeInput, deadline: Instant, result: &mut ApiResult) -> Option<Trust> {
    let shown = match probe_certificate(&input.address, PROBE.min(left(deadline))).await {
        Ok(shown) => shown,
        Err(error) => {
            result.rows.push(broken(Check::Certificate, &error));
            return None;
        }
    };
    if input.certificate == Some(shown.fingerprint) {
        result
            .rows
            .push(CheckRow::ok(Check::Certificate, "You have confirmed it; no other will be accepted"));
        result.pin = Some(shown.fingerprint);
        return Some(Trust::Pinned(shown.fingerprint));
    }
    if shown.publicly_trusted {
        result.rows.push(CheckRow::ok(Check::Certificate, "The public roots vouch for it"));
        return Some(Trust::PublicRoots);
    }
    let message = match input.certificate {
        Some(confirmed) => {
            format!("The host now shows another certificate than the one you confirmed ({confirmed})")
        }
        None => {
            "It is not publicly trusted, which is usual for Proxmox VE. Nothing secret was sent yet".into()
        }
    };
    let row = CheckRow::new(Check::Certificate, CheckState::NeedsTrust, message);
    let remedy =
        "Compare its fingerprint with the one on the host, and confirm it. In a root shell on the host:";
    result.rows.push(CheckRow { remedy: Some(remedy.into()), ..row }.commands(
        "openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pveproxy-ssl.pem 2>/dev/null || \
         openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem",
    ));
    result.unconfirmed = Some(shown);
    None
}

async fn ask(client: &Client, input: &NodeInput, result: &mut ApiResult) {
    let (version, permissions, status, nodes) =
        tokio::join!(client.version(), client.permissions(None), client.cluster_status(), client.nodes());
    let version = match version {
        Ok(version) => version,
        Err(error) => {
            result.rows.push(broken(Check::Token, &error));
            skip(&mut result.rows, &[Check::Privileges, Check::NodeName], "The token comes first");
            return;
        }
    };
    let message = format!("{} logs in to Proxmox VE {}", input.token_id, version.version);
    result.rows.push(CheckRow::ok(Check::Token, message));
    let local = status.as_ref().ok().and_then(ClusterStatus::local).map(|node| node.name.clone());
    result.rows.push(privileges_row(permissions, local.as_deref().unwrap_or_default(), input));
    match (status, local) {
        (Ok(status), Some(name)) => {
            let (certificates, containers) =
                tokio::join!(client.certificates(&name), client.containers(&name));
            let found = found(&name, version, &status, nodes, certificates);
            result.rows.push(node_row(found.as_ref()));
            result.found = found.ok();
            result.containers =
                containers.ok().map(|containers| containers.into_iter().map(|each| each.vmid).collect());
        }
        (Ok(_), None) => result.rows.push(CheckRow::failed(
            Check::NodeName,
            "/cluster/status names no local node",
            "Check the host's cluster services: pvecm status",
        )),
        (Err(error), _) => result.rows.push(broken(Check::NodeName, &error)),
    }
}

fn privileges_row(permissions: Result<Permissions, Error>, pve_node: &str, input: &NodeInput) -> CheckRow {
    match permissions {
        Ok(permissions) => privileges::check(&permissions, pve_node, &input.token_id),
        Err(error) => broken(Check::Privileges, &error),
    }
}

fn node_row(found: Result<&Found, &Error>) -> CheckRow {
    match found {
        Ok(Found { pve_node_name, cluster_name: Some(cluster), .. }) => {
            CheckRow::ok(Check::NodeName, format!("PVE node {pve_node_name} of the cluster {cluster}"))
        }
        Ok(found) => {
            CheckRow::ok(Check::NodeName, format!("PVE node {}, not in a cluster", found.pve_node_name))
        }
        Err(error) => broken(Check::NodeName, error),
    }
}

fn found(
    name: &str,
    version: Version,
    status: &ClusterStatus,
    nodes: Result<Vec<NodeSummary>, Error>,
    certificates: Result<Vec<NodeCertificate>, Error>,
) -> Result<Found, Error> {
    // A version of Proxmox VE that lacks the call has the fingerprint in its list of nodes.
    let certificates = match certificates {
        Err(Error::HostError { status: 501, .. }) => Vec::new(),
        other => other?,
    };
    Ok(Found {
        pve_node_name: name.into(),
        pve_version: version.version,
        cluster: cluster_key(name, status, &nodes?, &certificates),
        cluster_name: status.name.clone(),
        members: status.members.iter().filter(|member| !member.local).cloned().collect(),
    })
}

/// What shares one VMID space, from what the host says of itself and not from the address that was typed: two people
/// who add the same host get the same key.
///
/// Each cluster, and each standalone host, makes a certificate authority of its own when it is installed; it stays
/// when other certificates are renewed.
fn cluster_key(
    name: &str,
    status: &ClusterStatus,
    nodes: &[NodeSummary],
    certificates: &[NodeCertificate],
) -> String {
    let kind = match &status.name {
        Some(cluster) => format!("cluster:{cluster}"),
        None => format!("host:{name}"),
    };
    let authority = certificates
        .iter()
        .find(|certificate| certificate.filename.as_deref() == Some("pve-root-ca.pem"))
        .and_then(|certificate| certificate.fingerprint.clone());
    let own = || nodes.iter().find(|node| node.node == name).and_then(|node| node.ssl_fingerprint.clone());
    match authority.or_else(|| if status.name.is_none() { own() } else { None }) {
        Some(fingerprint) => format!("{kind}:{}", fingerprint.replace(':', "").to_ascii_lowercase()),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(cluster: Option<&str>, certificates: serde_json::Value) -> String {
        let status = ClusterStatus { name: cluster.map(Into::into), members: Vec::new() };
        let nodes = json!([{"node": "pve", "status": "online", "ssl_fingerprint": "71:5C"}]);
        let nodes: Vec<NodeSummary> = serde_json::from_value(nodes).unwrap();
        let certificates: Vec<NodeCertificate> = serde_json::from_value(certificates).unwrap();
        cluster_key("pve", &status, &nodes, &certificates)
    }

    #[test]
    fn the_key_comes_from_the_hosts_own_authority() {
        let certificates = json!([
            {"filename": "pve-ssl.pem", "fingerprint": "AA:00"},
            {"filename": "pve-root-ca.pem", "fingerprint": "BB:11"}
        ]);
        assert_eq!(key(None, certificates.clone()), "host:pve:bb11");
        assert_eq!(key(Some("home"), certificates), "cluster:home:bb11");
    }

    #[test]
    fn without_one_a_standalone_host_is_known_by_its_certificate() {
        assert_eq!(key(None, json!([])), "host:pve:715c");
        // A member's certificate is not the cluster's.
        assert_eq!(key(Some("home"), json!([])), "cluster:home");
    }
}
