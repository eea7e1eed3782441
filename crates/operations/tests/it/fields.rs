//! Every field of the wizard against what Proxmox takes: one table, asked of our form, of the simulated host, and of the recordings.

use std::path::Path;

use berth_domain::{CreationId, NodeId};
use berth_operations::creation::{self, CreationForm};
use berth_proxmox::{Auth, Client, Trust};
use berth_testkit::SimulatorProcess;
use berth_testkit::simulator::{TOKEN_ID, TOKEN_SECRET};
use serde_json::{Value, json};

use Verdict::{Accepted, Ours, Refused};

const OS_TEMPLATE: &str = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Our form takes it, and so does Proxmox, as the worker sends it.
    Accepted,
    /// Proxmox refuses the parameter, here as it stands; our form says so first, beside the field.
    Refused(&'static str, &'static str),
    /// Proxmox would take it, and it would not do what was meant.
    Ours,
}

/// Field, value, verdict. Fields that belong together are separated by `+`, and their values by `|`.
const TABLE: &[(&str, &str, Verdict)] = &[
    ("hostname", "web-01", Accepted),
    ("hostname", "a", Accepted),
    ("hostname", "WEB.home.lan", Accepted),
    ("hostname", "xn--bcher-kva", Accepted),
    ("hostname", " web ", Accepted),
    ("hostname", "a_b", Refused("hostname", "a_b")),
    ("hostname", "-web", Refused("hostname", "-web")),
    ("hostname", "web-", Refused("hostname", "web-")),
    ("hostname", "web..lan", Refused("hostname", "web..lan")),
    ("hostname", "bücher", Refused("hostname", "bücher")),
    ("hostname", "; rm -rf /", Refused("hostname", "; rm -rf /")),
    ("hostname", "$(reboot)", Refused("hostname", "$(reboot)")),
    ("hostname", "web\nroot", Refused("hostname", "web\nroot")),
    (
        "hostname",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        Refused("hostname", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ),
    ("hostname", "", Ours),
    ("vmid", "100", Accepted),
    ("vmid", "999999999", Accepted),
    ("vmid", "99", Refused("vmid", "99")),
    ("vmid", "1000000000", Refused("vmid", "1000000000")),
    ("vmid", "abc", Refused("vmid", "abc")),
    ("vmid", "-101", Refused("vmid", "-101")),
    ("vmid", "", Refused("vmid", "")),
    ("os_template", OS_TEMPLATE, Accepted),
    ("os_template", "nope.tar.zst", Refused("ostemplate", "nope.tar.zst")),
    ("os_template", "local:iso/debian.iso", Ours),
    ("os_template", "", Refused("ostemplate", "")),
    ("cores", "1", Accepted),
    ("cores", "8192", Accepted),
    ("cores", "0", Refused("cores", "0")),
    ("cores", "8193", Refused("cores", "8193")),
    ("cores", "two", Refused("cores", "two")),
    ("cores", "1.5", Refused("cores", "1.5")),
    ("cores", "", Ours),
    ("memory", "16", Accepted),
    ("memory", "4194304", Accepted),
    ("memory", "15", Refused("memory", "15")),
    ("memory", "-512", Refused("memory", "-512")),
    ("memory", "lots", Refused("memory", "lots")),
    ("memory", "1e3", Refused("memory", "1e3")),
    ("swap", "0", Accepted),
    ("swap", "512", Accepted),
    ("swap", "-1", Refused("swap", "-1")),
    ("swap", "some", Refused("swap", "some")),
    ("storage", "local-ct", Accepted),
    ("storage", "a b", Refused("storage", "a b")),
    ("storage", "x", Refused("storage", "x")),
    ("storage", "9lives", Refused("storage", "9lives")),
    ("storage", "local-", Refused("storage", "local-")),
    ("storage", "local:8", Refused("storage", "local:8")),
    ("disk", "1", Accepted),
    ("disk", "900000", Accepted),
    ("disk", "-1", Ours),
    ("disk", "big", Ours),
    ("disk", "0", Ours),
    ("disk", "", Ours),
    ("bridge", "vmbr0", Accepted),
    ("bridge", "my_net-1.20", Accepted),
    ("bridge", "vmbr0 x", Refused("net0", "name=eth0,bridge=vmbr0 x,ip=dhcp")),
    ("bridge", "vmbr0,foo=1", Refused("net0", "name=eth0,bridge=vmbr0,foo=1,ip=dhcp")),
    ("bridge", "", Ours),
    ("vlan", "", Accepted),
    ("vlan", "1", Accepted),
    ("vlan", "4094", Accepted),
    ("vlan", "0", Refused("net0", "name=eth0,bridge=vmbr0,ip=dhcp,tag=0")),
    ("vlan", "4095", Refused("net0", "name=eth0,bridge=vmbr0,ip=dhcp,tag=4095")),
    ("vlan", "ten", Refused("net0", "name=eth0,bridge=vmbr0,ip=dhcp,tag=ten")),
    ("ipv4_method", "dhcp", Accepted),
    ("ipv4_method", "none", Accepted),
    ("ipv4_method", "magic", Refused("net0", "name=eth0,bridge=vmbr0,ip=magic")),
    ("ipv4_address+ipv4_method", "10.0.0.5/24|static", Accepted),
    ("ipv4_address+ipv4_method", "10.0.0.5/8|static", Accepted),
    ("ipv4_address+ipv4_method", "10.0.0.5/32|static", Accepted),
    ("ipv4_address+ipv4_method", "10.0.0.5|static", Refused("net0", "name=eth0,bridge=vmbr0,ip=10.0.0.5")),
    (
        "ipv4_address+ipv4_method",
        "10.0.0.5/33|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip=10.0.0.5/33"),
    ),
    (
        "ipv4_address+ipv4_method",
        "10.0.0.5/7|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip=10.0.0.5/7"),
    ),
    ("ipv4_address+ipv4_method", "10.0.0/24|static", Refused("net0", "name=eth0,bridge=vmbr0,ip=10.0.0/24")),
    (
        "ipv4_address+ipv4_method",
        "fd00::5/64|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip=fd00::5/64"),
    ),
    ("ipv4_address+ipv4_method", "|static", Refused("net0", "name=eth0,bridge=vmbr0,ip=")),
    ("ipv4_address+ipv4_method", "10.0.0.0/24|static", Ours),
    ("ipv4_address+ipv4_method", "10.0.0.255/24|static", Ours),
    ("ipv4_gateway+ipv4_address+ipv4_method", "10.0.0.1|10.0.0.5/24|static", Accepted),
    (
        "ipv4_gateway+ipv4_address+ipv4_method",
        "nonsense|10.0.0.5/24|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip=10.0.0.5/24,gw=nonsense"),
    ),
    ("ipv4_gateway+ipv4_address+ipv4_method", "10.0.1.1|10.0.0.5/24|static", Ours),
    ("ipv4_gateway+ipv4_address+ipv4_method", "10.0.0.5|10.0.0.5/24|static", Ours),
    ("ipv6_method", "none", Accepted),
    ("ipv6_method", "auto", Accepted),
    ("ipv6_method", "dhcp", Accepted),
    ("ipv6_method", "magic", Refused("net0", "name=eth0,bridge=vmbr0,ip6=magic")),
    ("ipv6_address+ipv6_method", "fd00::5/64|static", Accepted),
    (
        "ipv6_address+ipv6_method",
        "fd00::5/129|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip6=fd00::5/129"),
    ),
    ("ipv6_address+ipv6_method", "fd00::5|static", Refused("net0", "name=eth0,bridge=vmbr0,ip6=fd00::5")),
    (
        "ipv6_address+ipv6_method",
        "10.0.0.5/24|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip6=10.0.0.5/24"),
    ),
    ("ipv6_gateway+ipv6_address+ipv6_method", "fd00::1|fd00::5/64|static", Accepted),
    ("ipv6_gateway+ipv6_address+ipv6_method", "fe80::1|fd00::5/64|static", Accepted),
    (
        "ipv6_gateway+ipv6_address+ipv6_method",
        "10.0.0.1|fd00::5/64|static",
        Refused("net0", "name=eth0,bridge=vmbr0,ip6=fd00::5/64,gw6=10.0.0.1"),
    ),
    ("ipv6_gateway+ipv6_address+ipv6_method", "fd01::1|fd00::5/64|static", Ours),
    ("firewall", "on", Accepted),
    ("firewall", "", Accepted),
    ("nameserver", "", Accepted),
    ("nameserver", "1.1.1.1, 9.9.9.9;2606:4700::1111", Accepted),
    ("nameserver", "fe80::1%eth0", Accepted),
    ("nameserver", "dns.lan", Refused("nameserver", "dns.lan")),
    ("nameserver", "1.1.1.1 dns", Refused("nameserver", "1.1.1.1 dns")),
    ("nameserver", "1.1.1.1%eth0", Refused("nameserver", "1.1.1.1%eth0")),
    ("search_domain", "", Accepted),
    ("search_domain", "home.lan, lab.home.lan", Accepted),
    ("search_domain", "home lan-", Refused("searchdomain", "home lan-")),
    ("search_domain", "http://home", Refused("searchdomain", "http://home")),
    ("unprivileged", "on", Accepted),
    ("unprivileged+nesting", "|on", Accepted),
    ("nesting", "", Accepted),
    // The token may set neither, so that they are not in the request: `pct set` over SSH does it.
    ("keyctl", "on", Accepted),
    ("fuse", "on", Accepted),
    ("keyctl+unprivileged", "on|", Ours),
    ("start_at_boot", "on", Accepted),
    ("tags", "", Accepted),
    ("tags", "web, Home;a.b+c-d_1", Accepted),
    ("tags", "ok -bad", Refused("tags", "ok;-bad")),
    ("tags", "a/b", Refused("tags", "a/b")),
    ("tags", "ümlaut", Refused("tags", "ümlaut")),
    ("ssh_public_keys", "", Accepted),
    ("ssh_public_keys", "not a key", Refused("ssh-public-keys", "not a key")),
    ("ssh_public_keys", "ssh-ed25519 AAAA", Refused("ssh-public-keys", "ssh-ed25519 AAAA")),
];

fn base() -> Value {
    let form = CreationForm {
        node: NodeId::new().to_string(),
        hostname: "web-01".into(),
        vmid: "105".into(),
        os_template: OS_TEMPLATE.into(),
        storage: "local-ct".into(),
        bridge: "vmbr0".into(),
        ..CreationForm::default()
    };
    serde_json::to_value(form).unwrap()
}

fn filled(fields: &str, values: &str) -> CreationForm {
    let mut form = base();
    for (field, value) in fields.split('+').zip(values.split('|')) {
        assert!(form.get(field).is_some(), "the form has no field {field}");
        form[field] = json!(value);
    }
    serde_json::from_value(form).unwrap()
}

/// Keys need more than fits on a line of the table.
fn keys() -> Vec<(String, Verdict)> {
    let accepted = [
        format!("{KEY} me"),
        format!("\r\n# laptops\r\n{KEY} Zoë's 💻\r\n\r\n{KEY} b\r\n"),
        format!("from=\"10.0.0.0/8\",no-pty {KEY} me"),
    ];
    let refused = [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----",
        "AAAAC3NzaC1lZDI1NTE5",
    ];
    let accepted = accepted.into_iter().map(|text| (text, Accepted));
    accepted.chain(refused.map(|text| (text.to_owned(), Refused("ssh-public-keys", text)))).collect()
}

fn table() -> Vec<(&'static str, String, Verdict)> {
    let table = TABLE.iter().map(|(fields, values, verdict)| (*fields, (*values).to_owned(), *verdict));
    table.chain(keys().into_iter().map(|(text, verdict)| ("ssh_public_keys", text, verdict))).collect()
}

#[test]
fn the_form_says_what_is_wrong_beside_its_field() {
    let known = base();
    let untested: Vec<&String> = known
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !TABLE.iter().any(|(fields, ..)| fields.split('+').any(|field| field == *name)))
        .collect();
    // Chosen from lists of ours, of other steps, or never typed.
    let elsewhere = [
        "container_template",
        "container_template_title",
        "ostype",
        "node",
        "fitted",
        "hostname_hint",
        "preferred_os_template",
    ];
    let of_other_steps = |name: &str| {
        ["packages", "scripts", "installers", "extra_", "bucket"].iter().any(|part| name.contains(part))
    };
    let untested: Vec<_> = untested
        .into_iter()
        .filter(|name| !elsewhere.contains(&name.as_str()) && !of_other_steps(name))
        .collect();
    assert!(untested.is_empty(), "the table has nothing about {untested:?}");
    for (fields, values, verdict) in table() {
        let first = fields.split('+').next().unwrap();
        match (filled(fields, &values).to_spec(None), verdict) {
            (Ok(_), Accepted) => {}
            (Err(errors), Refused(..) | Ours) => {
                let told: Vec<_> = errors.iter().map(|(field, _)| field).collect();
                assert_eq!(told, [first], "{fields} = {values:?}: {errors}");
            }
            (found, _) => panic!("{fields} = {values:?} should be {verdict:?}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn the_host_agrees_with_the_form() {
    let directory = tempfile::tempdir().unwrap();
    let host = SimulatorProcess::start(directory.path()).await;
    let trust = Trust::Pinned(host.nodes[0].certificate_sha256.parse().unwrap());
    let auth = Auth::Token { id: TOKEN_ID.parse().unwrap(), secret: TOKEN_SECRET.into() };
    let client = Client::new(host.api.to_string().parse().unwrap(), trust, auth).unwrap();
    for (number, (fields, values, verdict)) in (2000..).zip(table()) {
        match verdict {
            Accepted => {
                let mut form = filled(fields, &values);
                if fields != "vmid" {
                    form.vmid = number.to_string();
                }
                if fields != "os_template" {
                    // Only its task would look for it: many at once are no matter of this test.
                    form.os_template = "local:vztmpl/nope.tar.zst".into();
                }
                let request = creation::request(&form.to_spec(None).unwrap(), CreationId::new()).unwrap();
                let answer = client.create_container("pve", &request).await;
                assert!(answer.is_ok(), "{fields} = {values:?}: {answer:?}");
            }
            Refused(parameter, value) => {
                let vmid = number.to_string();
                let mut sent =
                    vec![("vmid", vmid.as_str()), ("ostemplate", OS_TEMPLATE), ("storage", "local-ct")];
                sent.retain(|(name, _)| *name != parameter);
                sent.push((parameter, value));
                let (status, answer) = host.post("/nodes/pve/lxc", &sent).await;
                assert!([400, 500].contains(&status), "{parameter} = {value:?} was taken: {answer}");
                let said = answer["errors"].get(parameter).is_some() || status == 500;
                assert!(said, "{parameter} = {value:?} was refused for something else: {answer}");
            }
            Ours => {}
        }
    }
}

/// Each recorded `POST /nodes/{node}/lxc` of a new container, with our fields for its parameters.
#[test]
fn the_recordings_agree_with_the_form() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proxmox/tests/recordings");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let recording: Value =
            serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let request = &recording["request"];
        let sent = &request["form"];
        if request["method"] != "POST"
            || request["path"] != "/api2/json/nodes/pve/lxc"
            || sent["restore"] == 1
        {
            continue;
        }
        let errors = typed(sent).to_spec(None).err().unwrap_or_default();
        let status = recording["response"]["status"].as_u64().unwrap();
        let body = recording["response"]["body_raw"].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let name = recording["name"].as_str().unwrap();
        if status == 200 {
            assert!(errors.is_empty(), "{name}: Proxmox took it, and the form does not: {errors}");
            seen += 1;
        }
        for (parameter, field) in FIELDS {
            if body["errors"].get(*parameter).is_some()
                && sent.get(*parameter).is_some()
                && *parameter != "storage"
            {
                assert!(
                    !errors.of(field).is_empty(),
                    "{name}: Proxmox refused {parameter}, and the form takes it"
                );
                seen += 1;
            }
        }
        let by_text = [
            ("SSH public key validation error", "ssh_public_keys"),
            ("Only root can pass arbitrary", "os_template"),
        ];
        for (text, field) in by_text {
            if body["message"].as_str().is_some_and(|message| message.starts_with(text)) {
                assert!(!errors.of(field).is_empty(), "{name}: {text}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 12, "only {seen} of the recordings say something about a field");
}

/// Proxmox's parameters and our fields.
const FIELDS: &[(&str, &str)] = &[
    ("vmid", "vmid"),
    ("hostname", "hostname"),
    ("ostemplate", "os_template"),
    ("cores", "cores"),
    ("memory", "memory"),
    ("swap", "swap"),
    ("storage", "storage"),
    ("tags", "tags"),
    ("ssh-public-keys", "ssh_public_keys"),
];

fn typed(sent: &Value) -> CreationForm {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut form = base();
    for (parameter, field) in FIELDS {
        if let Some(value) = sent.get(*parameter) {
            form[*field] = json!(text(value));
        }
    }
    if let Some((storage, size)) = sent["rootfs"].as_str().and_then(|rootfs| rootfs.split_once(':')) {
        (form["storage"], form["disk"]) = (json!(storage), json!(size));
    }
    let net = sent["net0"].as_str().unwrap_or_default();
    let get = |key: &str| net.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
    if let Some(bridge) = get("bridge") {
        form["bridge"] = json!(bridge);
    }
    if let Some(address) = get("ip").filter(|address| *address != "dhcp") {
        form["ipv4_method"] = json!("static");
        form["ipv4_address"] = json!(address);
        form["ipv4_gateway"] = json!(get("gw").unwrap_or_default());
    }
    serde_json::from_value(form).unwrap()
}
