//! Directory listings: what lies below a path.

use serde_json::{Value, json};

use super::super::{Answer, Call};

const NODE: &str = "aplinfo apt capabilities ceph certificates config disks dns firewall hardware hosts journal lxc \
    migrateall netstat network qemu query-oci-repo-tags query-url-metadata replication report rrd rrddata scan sdn \
    services spiceshell startall status stopall storage subscription suspendall syslog tasks termproxy time version \
    vncshell vzdump wakeonlan";
const CLUSTER: &str = "acme backup backup-info ceph config firewall ha jobs log mapping metrics nextid notifications \
    options replication resources sdn status tasks bulk-action";
const LXC: &str = "config pending status vncproxy termproxy vncwebsocket spiceproxy migrate clone rrd rrddata firewall \
    snapshot resize interfaces";

/// The listing of a directory; nothing for other methods.
pub(super) fn handle(call: &Call, route: (&str, &str)) -> Option<Answer> {
    let (key, words) = match route {
        ("GET", "/") => ("subdir", "version cluster nodes storage access pools"),
        ("GET", "/access") => {
            ("subdir", "users groups roles acl domains openid ticket password tfa permissions")
        }
        ("GET", "/cluster") => ("name", CLUSTER),
        ("GET", "/nodes/{node}") => ("name", NODE),
        ("GET", "/nodes/{node}/lxc/{vmid}") => ("subdir", LXC),
        ("GET", "/nodes/{node}/lxc/{vmid}/status") => ("subdir", "current start stop shutdown migrate"),
        ("GET", "/nodes/{node}/lxc/{vmid}/firewall") => ("name", "rules aliases ipset options log refs"),
        ("GET", "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}") => ("cmd", "config"),
        ("GET", "/nodes/{node}/storage/{storage}") => (
            "subdir",
            "content download-url file-restore identity import-metadata prunebackups rrd rrddata status upload",
        ),
        ("GET", "/nodes/{node}/tasks/{upid}") => ("name", "log status"),
        _ => return None,
    };
    let lines: Vec<Value> = words.split_whitespace().map(|word| json!({ key: word })).collect();
    debug_assert!(!call.endpoint.path.is_empty());
    Some(Value::Array(lines).into())
}
