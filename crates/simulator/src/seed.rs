//! What a host starts with: the recorded one, or a home lab.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use serde_json::{Value, json};

use crate::clock;
use crate::permissions::built_in_roles;
use crate::state::{Accounts, Container, Interface, Model, Run, Storage, TfaEntry, Token, User, Volume};

/// The secret of every seeded API token.
pub const TOKEN_SECRET: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
/// The password of `root@pam`, for the API and SSH.
pub const ROOT_PASSWORD: &str = "FAKE-Passw0rd";
/// The base32 TOTP secret of `alice@pve`.
pub const TOTP_SECRET: &str = "JBSWY3DPEHPK3PXP";

const GIB: u64 = 1024 * 1024 * 1024;

/// The recorded host: container 101 runs, one OS template, one storage disabled and one broken.
pub fn recorded() -> Model {
    let mut model = accounts();
    model.recorded = true;
    model.boot_ms = clock::now_ms() - 2 * 3_600_000;
    model.next_pid = 2200;
    let disk = 16_729_894_912;
    let storage = |path: &str, content: &[&str]| Storage {
        path: path.to_owned(),
        content: content.iter().map(|kind| (*kind).to_owned()).collect(),
        total: disk,
        base_used: 1_315_000_000,
        ..Storage::default()
    };
    let mut local = storage("/var/lib/vz", &["vztmpl", "iso", "backup"]);
    let debian = "debian-12-standard_12.7-1_amd64.tar.zst";
    local.volumes.insert(format!("vztmpl/{debian}"), Volume::os_template(debian, 42_282_008));
    let offline = Storage { disable: true, ..storage("/mnt/offline", &["rootdir", "images"]) };
    let usb = Storage { is_mountpoint: true, broken: true, ..storage("/mnt/usb", &["rootdir", "vztmpl"]) };
    model.storages = BTreeMap::from([
        ("local".to_owned(), local),
        ("local-ct".to_owned(), storage("/var/lib/ct", &["images", "rootdir"])),
        ("offline".to_owned(), offline),
        ("usb".to_owned(), usb),
    ]);
    model.dead_nodes = BTreeSet::from(["pve2".to_owned()]);
    model.interfaces = bridges("vec0", "enx525400770002");
    let net = "name=eth0,bridge=vmbr0,gw=10.77.0.1,hwaddr=BC:24:11:CC:7C:37,ip=10.77.0.101/24,type=veth";
    let options =
        [("cores", "1"), ("memory", "512"), ("swap", "512"), ("features", "nesting=1"), ("net0", net)];
    add_container(&mut model, 101, "ct101", ("debian", "12"), 2, &options, true);
    model
}

/// A comfortable home lab with `containers` containers, ids from `first`; at most `running` of them run.
pub fn home_lab(containers: u32, running: u32, first: u32) -> Model {
    let mut model = accounts();
    model.boot_ms = clock::now_ms() - 9 * 24 * 3_600_000;
    model.next_pid = 41_000;
    let storage = |path: &str, content: &[&str], gigabytes: u64| Storage {
        path: path.to_owned(),
        content: content.iter().map(|kind| (*kind).to_owned()).collect(),
        total: gigabytes * GIB,
        base_used: 6 * GIB,
        ..Storage::default()
    };
    let mut local = storage("/var/lib/vz", &["vztmpl", "iso", "backup"], 94);
    for (file, size) in [
        ("debian-12-standard_12.12-1_amd64.tar.zst", 126_515_062),
        ("debian-13-standard_13.1-2_amd64.tar.zst", 129_710_398),
        ("alpine-3.22-default_20250617_amd64.tar.xz", 3_304_900),
        ("ubuntu-24.04-standard_24.04-2_amd64.tar.zst", 141_589_318),
    ] {
        local.volumes.insert(format!("vztmpl/{file}"), Volume::os_template(file, size));
    }
    model.storages = BTreeMap::from([
        ("local".to_owned(), local),
        ("local-ct".to_owned(), storage("/var/lib/ct", &["rootdir", "images"], 476)),
        ("tank".to_owned(), storage("/tank/containers", &["rootdir", "images", "backup"], 3726)),
    ]);
    model.interfaces = bridges("enp3s0", "enx525400770010");
    populate(&mut model, containers, running, first);
    model
}

fn populate(model: &mut Model, containers: u32, most_running: u32, first: u32) {
    const NAMES: [(&str, &str, &str, bool); 12] = [
        ("pihole", "debian", "12", true),
        ("vaultwarden", "alpine", "3.22", true),
        ("jellyfin", "debian", "12", true),
        ("gitea", "debian", "13", true),
        ("homeassistant", "debian", "12", false),
        ("nextcloud", "ubuntu", "24.04", true),
        ("grafana", "debian", "13", true),
        ("unifi", "debian", "12", false),
        ("paperless", "debian", "13", true),
        ("mqtt", "alpine", "3.22", true),
        ("wireguard", "alpine", "3.22", true),
        ("build", "ubuntu", "24.04", false),
    ];
    for index in 0..containers {
        let (name, system, version, running) = NAMES[index as usize % NAMES.len()];
        let running = running && index < most_running;
        let round = index as usize / NAMES.len();
        let name = if round == 0 { name.to_owned() } else { format!("{name}-{}", round + 1) };
        let vmid = first + index;
        let hwaddr = format!("BC:24:11:5A:{:02X}:{:02X}", vmid / 256 % 256, vmid % 256);
        let net = format!("name=eth0,bridge=vmbr0,hwaddr={hwaddr},ip=dhcp,type=veth");
        let memory = (512 << (index % 3)).to_string();
        let cores = (1 + index % 4).to_string();
        let options = [
            ("cores", cores.as_str()),
            ("memory", &memory),
            ("swap", "512"),
            ("features", "nesting=1"),
            ("net0", &net),
            ("onboot", "1"),
            ("tags", "homelab"),
        ];
        add_container(model, vmid, &name, (system, version), 8, &options, running);
    }
}

fn add_container(
    model: &mut Model,
    vmid: u32,
    name: &str,
    (system, version): (&str, &str),
    gigabytes: u64,
    options: &[(&str, &str)],
    running: bool,
) {
    let file = format!("{vmid}/vm-{vmid}-disk-0.raw");
    let rootfs = format!("local-ct:{file},size={gigabytes}G");
    let common = [
        ("arch", "amd64"),
        ("hostname", name),
        ("ostype", system),
        ("rootfs", &rootfs),
        ("unprivileged", "1"),
    ];
    let config: BTreeMap<String, String> =
        common.iter().chain(options).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    model.next_pid += 31;
    let run = running.then(|| Run {
        since_ms: model.boot_ms + 60_000,
        pid: model.next_pid,
        config: config.clone(),
    });
    let container = Container { config, run, os_version: version.to_owned(), ..Container::default() };
    model.containers.insert(vmid, container);
    let volume = Volume {
        content: "rootdir".to_owned(),
        format: "raw".to_owned(),
        size: gigabytes * GIB,
        used: Some(223_068_160),
        ctime: model.boot_ms / 1000,
        vmid: Some(vmid),
        ..Volume::default()
    };
    if let Some(storage) = model.storages.get_mut("local-ct") {
        storage.volumes.insert(file, volume);
    }
}

fn bridges(card: &str, other_name: &str) -> Vec<Interface> {
    let interface = |kind: &str, body: Value| Interface {
        iface: body["iface"].as_str().unwrap_or_default().to_owned(),
        kind: kind.to_owned(),
        body,
    };
    vec![
        interface(
            "bridge",
            json!({
                "iface": "vmbr0", "type": "bridge", "method": "static", "method6": "manual", "families": ["inet"],
                "active": 1, "autostart": 1, "priority": 4, "address": "10.77.0.2", "cidr": "10.77.0.2/24", "netmask": "24",
                "gateway": "10.77.0.1", "bridge_ports": card, "bridge_stp": "off", "bridge_fd": "0",
            }),
        ),
        interface(
            "eth",
            json!({
                "iface": card, "type": "eth", "method": "manual", "method6": "manual", "families": ["inet"], "active": 1,
                "exists": 1, "priority": 3, "altnames": [other_name],
            }),
        ),
        interface(
            "bridge",
            json!({
                "iface": "vmbr1", "type": "bridge", "method": "manual", "method6": "manual", "families": ["inet"],
                "active": 1, "autostart": 1, "priority": 6, "bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0",
                "comments": "isolated lab bridge\n",
            }),
        ),
    ]
}

fn accounts() -> Model {
    let user = |password: &str| User { enable: true, password: Some(password.to_owned()), ..User::default() };
    let alice =
        User { comment: Some("Alice".to_owned()), email: Some(String::new()), ..user("alice-Passw0rd") };
    let token = |privsep| Token { secret: TOKEN_SECRET.to_owned(), privsep, expire: 0, comment: None };
    let mut tokens: BTreeMap<String, Token> = ["dash", "dash2", "dash4", "dash5", "rig"]
        .iter()
        .map(|name| (format!("root@pam!{name}"), token(false)))
        .collect();
    tokens.insert("root@pam!sep3".to_owned(), token(true));
    let totp = TfaEntry {
        id: uuid::Uuid::new_v4().to_string(),
        kind: "totp".to_owned(),
        description: "phone".to_owned(),
        created: clock::now(),
        enable: true,
        secret: Some(TOTP_SECRET.to_owned()),
        keys: Vec::new(),
        last_step: None,
    };
    let accounts = Accounts {
        users: BTreeMap::from([
            ("root@pam".to_owned(), user(ROOT_PASSWORD)),
            ("alice@pve".to_owned(), alice),
        ]),
        tokens,
        tfa: BTreeMap::from([("alice@pve".to_owned(), vec![totp])]),
        roles: built_in_roles(),
        ticket_key: hex::encode(rand::rng().random::<[u8; 32]>()),
        ..Accounts::default()
    };
    Model { accounts, address: "10.77.0.2".to_owned(), ..Model::default() }
}
