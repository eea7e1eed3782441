//! The steps of the syncing phase: packages by manager, then installers, then scripts.

use berth_domain::creation::{CreationSpec, StepKind};
use berth_domain::package::{Package, PackageManager};
use berth_proxmox::shell::quote;

/// How many packages stand in a step's name.
const MOST_NAMES: usize = 20;

/// A step and the shell script that does it inside the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedStep {
    pub(crate) position: u32,
    pub(crate) kind: StepKind,
    pub(crate) name: String,
    pub(crate) script: String,
}

/// All steps of a creation, numbered from 0 in the order in which they run.
pub(crate) fn plan(spec: &CreationSpec) -> Vec<PlannedStep> {
    let system: Vec<PackageManager> = PackageManager::ALL
        .into_iter()
        .filter(|manager| manager.is_system() && !packages_of(spec, *manager).is_empty())
        .collect();
    let packages = PackageManager::ALL.into_iter().filter_map(|manager| {
        let packages = packages_of(spec, manager);
        let step = || (StepKind::Packages, name(manager, &packages), install(manager, &packages, &system));
        (!packages.is_empty()).then(step)
    });
    let installers = spec.installers.iter().map(|installer| {
        (StepKind::Packages, format!("custom: {}", installer.name), installer.content.clone())
    });
    let scripts =
        spec.scripts.iter().map(|script| (StepKind::Script, script.name.clone(), script.content.clone()));
    (0..)
        .zip(packages.chain(installers).chain(scripts))
        .map(|(position, (kind, name, script))| PlannedStep { position, kind, name, script })
        .collect()
}

/// The manager and its first packages: there may be hundreds.
fn name(manager: PackageManager, packages: &[&Package]) -> String {
    let names: Vec<&str> = packages.iter().take(MOST_NAMES).map(|package| package.name()).collect();
    let more = match packages.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{manager}: {}{more}", names.join(", "))
}

fn packages_of(spec: &CreationSpec, manager: PackageManager) -> Vec<&Package> {
    spec.packages.iter().filter(|package| package.manager() == manager).collect()
}

const fn command(manager: PackageManager) -> &'static str {
    match manager {
        PackageManager::Apt => "apt-get",
        PackageManager::Pip => "pip3",
        other => other.name(),
    }
}

/// A script that installs `packages`. One list per distribution is usual: it is skipped where the container has another one's manager.
fn install(manager: PackageManager, packages: &[&Package], system: &[PackageManager]) -> String {
    let arguments: Vec<String> = packages
        .iter()
        .map(|package| quote(&package.argument()).expect("a package name holds no NUL byte"))
        .collect();
    let arguments = arguments.join(" ");
    let others: Vec<&str> =
        system.iter().filter(|other| **other != manager).map(|other| command(*other)).collect();
    let elsewhere = if manager.is_system() && !others.is_empty() {
        format!(
            "for other in {}; do\n    if command -v \"$other\" >/dev/null 2>&1; then\n        log_info \"skipped: this container installs with $other\"\n        exit 0\n    fi\ndone\n",
            others.join(" ")
        )
    } else {
        String::new()
    };
    let missing = format!(
        "if ! command -v {command} >/dev/null 2>&1; then\n{elsewhere}log_error \"there is no {command} in this container: choose another OS template, or take these packages out\"\nexit 1\nfi\n",
        command = command(manager)
    );
    let run = match manager {
        PackageManager::Apt => format!(
            "wait_for_apt_lock || exit\napt-get update -q || exit\nexec apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold -- {arguments}\n"
        ),
        PackageManager::Apk => format!("exec apk add --no-progress -- {arguments}\n"),
        PackageManager::Dnf => format!("exec dnf install -y -- {arguments}\n"),
        PackageManager::Pacman => {
            format!("exec pacman -Syu --noconfirm --noprogressbar --needed -- {arguments}\n")
        }
        PackageManager::Npm => {
            format!("exec npm install --global --no-fund --no-audit --no-progress -- {arguments}\n")
        }
        // Debian marks its Python as its own (PEP 668); in a container of one's own that is what one wants to override.
        PackageManager::Pip => format!(
            "export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore\nexec pip3 install --no-input --progress-bar off -- {arguments}\n"
        ),
    };
    missing + &run
}

#[cfg(test)]
pub(crate) mod tests {
    use berth_domain::Vmid;
    use berth_domain::container_template::Script;
    use berth_domain::creation::{Features, NetworkSpec};
    use berth_domain::network::{Ipv4, Ipv6};

    use super::*;

    /// A small valid specification.
    pub(crate) fn spec() -> CreationSpec {
        CreationSpec {
            vmid: Vmid::new(105).unwrap(),
            hostname: "web".into(),
            os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
            cores: 1,
            memory: 512,
            swap: 256,
            storage: "local-ct".into(),
            disk: 4,
            network: NetworkSpec {
                bridge: "vmbr0".into(),
                vlan: None,
                ipv4: Ipv4::Dhcp,
                ipv6: Ipv6::None,
                firewall: false,
            },
            nameserver: None,
            search_domain: None,
            features: Features { nesting: true, ..Features::default() },
            unprivileged: true,
            start_at_boot: false,
            ssh_public_keys: Vec::new(),
            tags: Vec::new(),
            container_template: None,
            packages: Vec::new(),
            installers: Vec::new(),
            scripts: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn system_packages_come_first_then_others_installers_and_scripts() {
        let mut spec = spec();
        spec.scripts = vec![Script { name: "10-a.sh".into(), content: "true".into() }];
        spec.installers = vec![Script { name: "tool".into(), content: "true".into() }];
        spec.packages =
            [(PackageManager::Pip, "rich"), (PackageManager::Apk, "nginx"), (PackageManager::Apt, "nginx")]
                .into_iter()
                .map(|(manager, name)| Package::new(manager, name, None).unwrap())
                .collect();
        let names: Vec<String> = plan(&spec).into_iter().map(|step| step.name).collect();
        assert_eq!(names, ["apt: nginx", "apk: nginx", "pip: rich", "custom: tool", "10-a.sh"]);
    }

    #[test]
    fn another_distributions_list_is_skipped_and_a_sole_one_is_not() {
        let apt = Package::new(PackageManager::Apt, "nginx", None).unwrap();
        let both = install(PackageManager::Apt, &[&apt], &[PackageManager::Apt, PackageManager::Apk]);
        assert!(both.contains("for other in apk;"));
        let sole = install(PackageManager::Apt, &[&apt], &[PackageManager::Apt]);
        assert!(!sole.contains("for other"));
        assert!(sole.contains("-- 'nginx'") || sole.contains("-- nginx"));
    }
}
