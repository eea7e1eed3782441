//! The wizard filled in from what was once submitted.

use berth_domain::NodeId;
use berth_domain::creation::SpecOutline;
use berth_domain::network::{Ipv4, Ipv6};

use super::{CreationForm, PackageChoice, all_on};

impl CreationForm {
    /// The form that leads to this creation again.
    pub fn from_spec(node: NodeId, spec: &SpecOutline) -> Self {
        let (ipv4_address, ipv4_gateway) = match spec.network.ipv4 {
            Ipv4::Static { address, gateway } => {
                (address.to_string(), gateway.map(|gateway| gateway.to_string()))
            }
            Ipv4::Dhcp | Ipv4::None => (String::new(), None),
        };
        let (ipv6_address, ipv6_gateway) = match spec.network.ipv6 {
            Ipv6::Static { address, gateway } => {
                (address.to_string(), gateway.map(|gateway| gateway.to_string()))
            }
            Ipv6::None | Ipv6::Auto | Ipv6::Dhcp => (String::new(), None),
        };
        let origin = spec.container_template.as_ref();
        Self {
            container_template: origin
                .and_then(|origin| origin.id)
                .map(|id| id.to_string())
                .unwrap_or_default(),
            container_template_title: origin.map(|origin| origin.title.clone()).unwrap_or_default(),
            node: node.to_string(),
            hostname: spec.hostname.clone(),
            vmid: spec.vmid.to_string(),
            os_template: spec.os_template.clone(),
            cores: spec.cores.to_string(),
            memory: spec.memory.to_string(),
            swap: spec.swap.to_string(),
            storage: spec.storage.clone(),
            disk: spec.disk.to_string(),
            bridge: spec.network.bridge.clone(),
            vlan: spec.network.vlan.map(|tag| tag.to_string()).unwrap_or_default(),
            ipv4_method: ipv4_method(spec.network.ipv4).into(),
            ipv4_address,
            ipv4_gateway: ipv4_gateway.unwrap_or_default(),
            ipv6_method: ipv6_method(spec.network.ipv6).into(),
            ipv6_address,
            ipv6_gateway: ipv6_gateway.unwrap_or_default(),
            firewall: spec.network.firewall,
            nameserver: spec.nameserver.clone().unwrap_or_default(),
            search_domain: spec.search_domain.clone().unwrap_or_default(),
            unprivileged: spec.unprivileged,
            nesting: spec.features.nesting,
            keyctl: spec.features.keyctl,
            fuse: spec.features.fuse,
            start_at_boot: spec.start_at_boot,
            ssh_public_keys: spec.ssh_public_keys.join("\n"),
            tags: spec.tags.join(" "),
            packages: spec
                .packages
                .iter()
                .map(|package| PackageChoice { package: package.clone(), on: true })
                .collect(),
            installers: all_on(spec.installers.iter()),
            scripts: all_on(spec.scripts.iter()),
            ..Self::default()
        }
    }
}

const fn ipv4_method(ipv4: Ipv4) -> &'static str {
    match ipv4 {
        Ipv4::Dhcp => "dhcp",
        Ipv4::None => "none",
        Ipv4::Static { .. } => "static",
    }
}

const fn ipv6_method(ipv6: Ipv6) -> &'static str {
    match ipv6 {
        Ipv6::None => "none",
        Ipv6::Auto => "auto",
        Ipv6::Dhcp => "dhcp",
        Ipv6::Static { .. } => "static",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::steps::tests::spec;
    use super::*;

    #[test]
    fn the_form_leads_to_the_same_creation() {
        let mut spec = spec();
        spec.network.ipv4 = Ipv4::parse_static("10.0.0.5/24", "10.0.0.1").unwrap();
        spec.network.ipv6 = Ipv6::parse_static("2001:db8::5/64", "fe80::1").unwrap();
        spec.network.vlan = Some(7);
        spec.tags = vec!["web".into()];
        let node = NodeId::new();
        let seen = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
        let form = CreationForm::from_spec(node, &seen);
        assert_eq!(form.node_id(), Some(node));
        assert_eq!(form.to_spec(None).unwrap(), spec);
    }
}
