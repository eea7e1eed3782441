//! The API's part of the test.

use std::collections::BTreeSet;

use berth_domain::{Fingerprint, Vmid};
use berth_proxmox::access::{Permissions, Version};
use berth_proxmox::certificates::NodeCertificate;
use berth_proxmox::cluster::ClusterStatus;
use berth_proxmox::nodes::NodeSummary;
use berth_proxmox::{Auth, CertificateInfo, Client, Deadlines, Error, Trust, probe_certificate};
use tokio::time::Instant;

use super::input::{KnownCertificate, NodeInput};
use super::privileges;
use super::remedy::Remedies;
use super::report::{Check, CheckRow, CheckState, Found};
use super::test::{PROBE, Rows, left};

/// Prints the fingerprint of the certificate that the host's API shows.
const FINGERPRINT: &str = "openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pveproxy-ssl.pem 2>/dev/null || \
     openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem";

/// Largest answer of a host that is tested, in bytes: whose it is, nobody knows yet.
const MOST_ANSWERED: usize = 4 << 20;

/// What the API's part of the test found.
#[derive(Debug, Default)]
pub(super) struct ApiResult {
    /// To be confirmed before anything secret is sent.
    pub(super) unconfirmed: Option<CertificateInfo>,
    /// What was trusted before.
    pub(super) before: Option<String>,
    /// The certificate to pin; none where the public roots vouch for the host.
    pub(super) pin: Option<Fingerprint>,
    pub(super) found: Option<Found>,
    /// The containers on this node, as the API has them.
    pub(super) containers: Option<BTreeSet<Vmid>>,
}

pub(super) async fn check(input: &NodeInput, rows: &Rows<'_>, deadline: Instant) -> ApiResult {
    let mut result = ApiResult::default();
    let remedies = Remedies::of(input);
    let shown = match probe_certificate(&input.address, PROBE.min(left(deadline))).await {
        Ok(shown) => shown,
        Err(error) => {
            rows.push(remedies.row(Check::Certificate, &error));
            skip_rest(rows, "The host must be reached first");
            return result;
        }
    };
    let Some(trust) = settle_trust(input, &shown, rows, &mut result) else { return result };
    let read = left(deadline);
    let auth = Auth::Token { id: input.token_id.clone(), secret: input.token_secret.clone() };
    let deadlines = Deadlines { connect: read.min(PROBE), read, write: read };
    match Client::with_deadlines(input.address.clone(), trust, auth, deadlines) {
        Ok(client) => {
            let client = client.max_response(MOST_ANSWERED);
            Asking { client, input, rows, remedies, deadline }.ask(&mut result).await;
        }
        Err(error) => {
            rows.push(remedies.row(Check::Token, &error));
            rows.skip(&[Check::Privileges, Check::NodeName], "The token comes first");
        }
    }
    result
}

fn skip_rest(rows: &Rows<'_>, why: &str) {
    rows.skip(&[Check::Token, Check::Privileges, Check::NodeName], why);
}

/// How the host is trusted; none where its owner must be asked first, or where it is not the one it should be.
fn settle_trust(
    input: &NodeInput,
    shown: &CertificateInfo,
    rows: &Rows<'_>,
    result: &mut ApiResult,
) -> Option<Trust> {
    let fine = |why: &str| rows.push(CheckRow::ok(Check::Certificate, why));
    let mut pin = || {
        result.pin = Some(shown.fingerprint);
        Trust::Pinned(shown.fingerprint)
    };
    let confirmed = input.confirmed == Some(shown.fingerprint);
    let trust = match &input.known {
        KnownCertificate::Here(Some(known)) | KnownCertificate::Elsewhere(known)
            if *known == shown.fingerprint =>
        {
            fine("It is the one that you have trusted");
            return Some(pin());
        }
        KnownCertificate::Vouched { certificate, by } if *certificate == shown.fingerprint => {
            fine(&format!("{by}, which you trust, knows it as this member's"));
            return Some(pin());
        }
        KnownCertificate::Vouched { certificate, by } => {
            rows.push(other_than_vouched(shown, certificate, by));
            None
        }
        _ if shown.publicly_trusted
            && (confirmed || !matches!(input.known, KnownCertificate::Here(Some(_)))) =>
        {
            fine("The public roots vouch for it");
            Some(Trust::PublicRoots)
        }
        _ if confirmed => {
            fine("You have confirmed it; no other will be accepted");
            Some(pin())
        }
        _ => {
            rows.push(unknown(input, shown, result));
            None
        }
    };
    // It has not proved to be the host that the stored secret is for.
    if let (KnownCertificate::Elsewhere(_), Some(host)) = (&input.known, &input.token_kept_for) {
        let message =
            format!("Type the token's secret: the stored one is for {host}, and this is another host");
        rows.push(CheckRow::new(Check::Token, CheckState::Failed, message));
        rows.skip(&[Check::Privileges, Check::NodeName], "The token comes first");
        return None;
    }
    if trust.is_none() {
        skip_rest(rows, "The certificate comes first");
    }
    trust
}

fn other_than_vouched(shown: &CertificateInfo, expected: &Fingerprint, by: &str) -> CheckRow {
    let message = format!(
        "It shows {}, but {by} knows {expected} as this member's. Nothing was sent",
        shown.fingerprint
    );
    let remedy = "If its certificate was just renewed, make the cluster see it and test again. In a root shell on that member:";
    CheckRow::failed(Check::Certificate, message, remedy)
        .commands("pvecm updatecerts && systemctl restart pveproxy")
}

/// The question to the owner.
fn unknown(input: &NodeInput, shown: &CertificateInfo, result: &mut ApiResult) -> CheckRow {
    result.before = match &input.known {
        KnownCertificate::Here(Some(known)) => Some(known.to_string()),
        KnownCertificate::Here(None) => Some("a certificate from a public authority".into()),
        _ => input.confirmed.map(|confirmed| confirmed.to_string()),
    };
    let message = match &result.before {
        Some(_) => "The host shows another certificate than the one you trusted. Nothing secret was sent",
        None => "It is not publicly trusted, which is usual for Proxmox VE. Nothing secret was sent yet",
    };
    result.unconfirmed = Some(shown.clone());
    CheckRow::new(Check::Certificate, CheckState::NeedsTrust, message)
        .remedy(
            "Compare its fingerprint with the one on the host, and confirm it. In a root shell on the host:",
        )
        .commands(FINGERPRINT)
}

/// The questions to a host that is trusted.
struct Asking<'a> {
    client: Client,
    input: &'a NodeInput,
    rows: &'a Rows<'a>,
    remedies: Remedies<'a>,
    deadline: Instant,
}

impl Asking<'_> {
    async fn ask(&self, result: &mut ApiResult) {
        let (version, status) = tokio::join!(self.token(), self.client.cluster_status());
        let Some(version) = version else {
            self.rows.skip(&[Check::Privileges, Check::NodeName], "The token comes first");
            return;
        };
        let local = status.as_ref().ok().and_then(ClusterStatus::local).map(|node| node.name.clone());
        tokio::join!(self.privileges(local.as_deref()), async {
            match (&status, &local) {
                (Ok(status), Some(name)) => self.node(name, version, status, result).await,
                (Ok(_), None) => self.rows.push(
                    CheckRow::failed(
                        Check::NodeName,
                        "/cluster/status names no local node",
                        "See what its cluster services say, in a root shell on the host:",
                    )
                    .commands("pvecm status; systemctl status pve-cluster --no-pager"),
                ),
                (Err(error), _) => self.rows.push(self.remedies.row(Check::NodeName, error)),
            }
        });
    }

    /// The client, with what is left of the time.
    fn client(&self) -> Client {
        self.client.within(left(self.deadline))
    }

    async fn token(&self) -> Option<Version> {
        match self.client().version().await {
            Ok(version) => {
                let message = format!("{} logs in to Proxmox VE {}", self.input.token_id, version.version);
                self.rows.push(CheckRow::ok(Check::Token, message));
                Some(version)
            }
            Err(error) => {
                self.rows.push(self.remedies.row(Check::Token, &error));
                None
            }
        }
    }

    async fn privileges(&self, pve_node: Option<&str>) {
        let permissions: Result<Permissions, Error> = self.client().permissions(None).await;
        self.rows.push(match permissions {
            Ok(permissions) => {
                privileges::check(&permissions, pve_node.unwrap_or_default(), &self.input.token_id)
            }
            Err(error) => self.remedies.row(Check::Privileges, &error),
        });
    }

    async fn node(&self, name: &str, version: Version, status: &ClusterStatus, result: &mut ApiResult) {
        let client = self.client();
        let (nodes, certificates, containers) =
            tokio::join!(client.nodes(), client.certificates(name), client.containers(name));
        let found = found(name, version, status, nodes, certificates);
        self.rows.push(match &found {
            Ok(Found { pve_node_name, cluster_name: Some(cluster), .. }) => {
                CheckRow::ok(Check::NodeName, format!("PVE node {pve_node_name} of the cluster {cluster}"))
            }
            Ok(found) => {
                CheckRow::ok(Check::NodeName, format!("PVE node {}, not in a cluster", found.pve_node_name))
            }
            Err(error) => self.remedies.row(Check::NodeName, error),
        });
        result.found = found.ok();
        result.containers =
            containers.ok().map(|containers| containers.into_iter().map(|each| each.vmid).collect());
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
