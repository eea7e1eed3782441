use berth_domain::ContainerTemplateId;
use berth_domain::container_template::{Defaults, ScriptOutline};
use proptest::prelude::*;

use super::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me";

fn recipe() -> Stored<ContainerTemplate> {
    let recipe = ContainerTemplate {
        name: "nginx".into(),
        title: "nginx".into(),
        description: String::new(),
        tags: vec!["web".into()],
        defaults: Defaults {
            cores: Some(2),
            nesting: Some(false),
            ostype: Some("debian".into()),
            ..Defaults::default()
        },
        packages: vec![Package::new(PackageManager::Apt, "nginx", None).unwrap()],
        installers: vec![Script { name: "tool".into(), content: "echo tool".into() }],
        scripts: ["10-a.sh", "20-b.sh"]
            .map(|name| Script { name: name.into(), content: format!("echo {name}") })
            .into(),
        files: Vec::new(),
    };
    let id: ContainerTemplateId = "00000000-0000-7000-8000-000000000000".parse().unwrap();
    Stored { id, own: false, version: 1, updated_at: time::OffsetDateTime::UNIX_EPOCH, recipe }
}

/// The same without what is in its scripts.
fn outline() -> Stored {
    let Stored { id, own, version, updated_at, recipe } = recipe();
    let script = |script: &Script| ScriptOutline {
        name: script.name.clone(),
        about: None,
        size: script.content.len() as u64,
        sha256: "0a".repeat(32).parse().unwrap(),
    };
    let installers = recipe.installers.iter().map(script).collect();
    let scripts = recipe.scripts.iter().map(script).collect();
    Stored { id, own, version, updated_at, recipe: recipe.with(installers, scripts, Vec::new()) }
}

fn filled() -> CreationForm {
    CreationForm {
        node: NodeId::new().to_string(),
        hostname: "web-01".into(),
        vmid: "105".into(),
        os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
        storage: "local-ct".into(),
        bridge: "vmbr0".into(),
        ..CreationForm::from_container_template(&outline())
    }
}

fn fields(form: &CreationForm) -> Vec<String> {
    let errors = form.to_spec(Some(&recipe())).expect_err("should be refused");
    errors.iter().map(|(field, _)| field.to_owned()).collect()
}

#[test]
fn a_container_template_fills_in_what_it_says() {
    let spec = filled().to_spec(Some(&recipe())).unwrap();
    assert_eq!((spec.cores, spec.memory, spec.features.nesting), (2, 512, false));
    assert_eq!(
        (spec.tags, spec.container_template.unwrap().title.as_str()),
        (vec!["web".to_owned()], "nginx")
    );
    assert_eq!((spec.packages.len(), spec.installers.as_slice()), (1, recipe().recipe.installers.as_slice()));
    assert_eq!(
        spec.scripts.iter().map(|script| script.name.as_str()).collect::<Vec<_>>(),
        ["10-a.sh", "20-b.sh"]
    );
}

#[test]
fn an_empty_form_says_what_is_needed() {
    let errors = CreationForm::default().to_spec(None).unwrap_err();
    let fields: Vec<_> = errors.iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["bridge", "hostname", "node", "os_template", "storage", "vmid"]);
}

#[test]
fn each_field_keeps_to_proxmoxs_bounds() {
    type Change = fn(&mut CreationForm);
    let changes: [(&str, Change); 18] = [
        ("hostname", |form| form.hostname = "a_b".into()),
        ("vmid", |form| form.vmid = "99".into()),
        ("os_template", |form| form.os_template = "local:iso/x.iso".into()),
        ("cores", |form| form.cores = "8193".into()),
        ("memory", |form| form.memory = "15".into()),
        ("swap", |form| form.swap = "-1".into()),
        ("disk", |form| form.disk = "0".into()),
        ("storage", |form| form.storage = "a b".into()),
        ("bridge", |form| form.bridge = "vmbr0,hwaddr=x".into()),
        ("vlan", |form| form.vlan = "4095".into()),
        ("ipv4_method", |form| form.ipv4_method = "magic".into()),
        ("ipv6_method", |form| form.ipv6_method = "magic".into()),
        ("nameserver", |form| form.nameserver = "1.1.1.1 dns".into()),
        ("search_domain", |form| form.search_domain = "home lan-".into()),
        ("tags", |form| form.tags = "ok -bad".into()),
        ("ssh_public_keys", |form| form.ssh_public_keys = format!("{KEY}\nnonsense")),
        ("extra_packages", |form| form.extra_packages = "htop; reboot".into()),
        ("keyctl", |form| (form.keyctl, form.unprivileged) = (true, false)),
    ];
    for (field, change) in changes {
        let mut form = filled();
        change(&mut form);
        assert_eq!(fields(&form), [field]);
    }
}

#[test]
fn addresses_have_their_messages_where_they_belong() {
    let form = |address: &str, gateway: &str| CreationForm {
        ipv4_method: "static".into(),
        ipv4_address: address.into(),
        ipv4_gateway: gateway.into(),
        ..filled()
    };
    assert_eq!(fields(&form("10.0.0.5", "")), ["ipv4_address"]);
    assert_eq!(fields(&form("10.0.0.5/24", "10.0.1.1")), ["ipv4_gateway"]);
    assert!(form("10.0.0.5/24", "10.0.0.1").to_spec(Some(&recipe())).is_ok());
    // What is not asked for does not count.
    let dhcp = CreationForm { ipv4_method: "dhcp".into(), ..form("nonsense", "nonsense") };
    assert!(dhcp.to_spec(Some(&recipe())).is_ok());
}

#[test]
fn packages_and_scripts_are_chosen_and_ordered_by_the_person() {
    let mut form = filled();
    form.packages[0].on = false;
    form.scripts.reverse();
    form.extra_packages = "htop\n# a comment\nnpm:typescript@5.0.0\nlibstdc++6:amd64\nhtop".into();
    let spec = form.to_spec(Some(&recipe())).unwrap();
    let packages: Vec<String> = spec.packages.iter().map(Package::argument).collect();
    assert_eq!(packages, ["htop", "typescript@5.0.0", "libstdc++6:amd64"]);
    assert_eq!(spec.scripts[0].name, "20-b.sh");
    form.scripts[0].name = "30-gone.sh".into();
    form.installers[0].name = "gone".into();
    assert_eq!(fields(&form), ["installers", "scripts"]);
}

#[test]
fn lists_become_what_proxmox_stores() {
    let form = CreationForm {
        tags: "Web, db;web".into(),
        nameserver: " 1.1.1.1,  9.9.9.9".into(),
        ssh_public_keys: format!("\n{KEY}\r\n"),
        vlan: " 12 ".into(),
        ..filled()
    };
    let spec = form.to_spec(Some(&recipe())).unwrap();
    assert_eq!(spec.tags, ["db", "web"]);
    assert_eq!(spec.nameserver.as_deref(), Some("1.1.1.1 9.9.9.9"));
    assert_eq!((spec.ssh_public_keys, spec.network.vlan), (vec![KEY.to_owned()], Some(12)));
}

#[test]
fn choosing_another_container_template_keeps_what_is_the_persons() {
    let mut form = filled();
    form.choose(None);
    assert_eq!((form.cores.as_str(), form.tags.as_str()), ("1", ""));
    assert!(
        form.packages.is_empty()
            && form.installers.is_empty()
            && form.scripts.is_empty()
            && form.os_template.is_empty()
    );
    assert_eq!((form.hostname.as_str(), form.vmid.as_str()), ("web-01", "105"));
    let gone = CreationForm { container_template: "gone".into(), ..form };
    assert!(!gone.to_spec(None).unwrap_err().of("container_template").is_empty());
}

#[test]
fn a_draft_reads_back() {
    let form = filled();
    let json = serde_json::to_value(&form).unwrap();
    assert_eq!(serde_json::from_value::<CreationForm>(json).unwrap(), form);
    // A draft of an older version lacks fields.
    assert_eq!(serde_json::from_str::<CreationForm>("{}").unwrap(), CreationForm::default());
}

proptest! {
    #[test]
    fn whatever_is_accepted_fits_into_one_option(text in "[a-z][a-z0-9,=; .-]{1,12}") {
        let form = CreationForm {
            hostname: text.clone(),
            storage: text.clone(),
            bridge: text.clone(),
            tags: text.clone(),
            search_domain: text,
            ..filled()
        };
        if let Ok(spec) = form.to_spec(Some(&recipe())) {
            for value in [&spec.hostname, &spec.storage, &spec.network.bridge] {
                prop_assert!(!value.contains([',', '=', ';', ' ', '\n']));
            }
        }
    }
}
