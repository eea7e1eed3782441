//! What the form of step 2 sends.

use berth_domain::package::PackageManager;
use berth_operations::creation::CreationForm;
use serde::Deserialize;

/// The fields as sent. One that is absent was not on the page, and stays as it is in the draft.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub(super) go: String,
    /// The version of the draft that the page shows.
    pub(super) version: Option<i32>,
    /// The node that the lists on the page were of.
    fitted: Option<String>,
    node: Option<String>,
    hostname: Option<String>,
    vmid: Option<String>,
    os_template: Option<String>,
    cores: Option<String>,
    memory: Option<String>,
    swap: Option<String>,
    storage: Option<String>,
    disk: Option<String>,
    bridge: Option<String>,
    vlan: Option<String>,
    ipv4_method: Option<String>,
    ipv4_address: Option<String>,
    ipv4_gateway: Option<String>,
    ipv6_method: Option<String>,
    ipv6_address: Option<String>,
    ipv6_gateway: Option<String>,
    nameserver: Option<String>,
    search_domain: Option<String>,
    ssh_public_keys: Option<String>,
    tags: Option<String>,
    firewall: Option<String>,
    unprivileged: Option<String>,
    nesting: Option<String>,
    keyctl: Option<String>,
    fuse: Option<String>,
    start_at_boot: Option<String>,
}

impl Typed {
    /// Puts what was sent into the draft's form, but for a private key: then the message beside the field is answered.
    pub(super) fn apply(self, form: &mut CreationForm) -> Option<String> {
        // A box that is not ticked is not sent: only the whole form tells it from one that was not on the page.
        if self.hostname.is_some() {
            form.firewall = self.firewall.is_some();
            form.unprivileged = self.unprivileged.is_some();
            form.nesting = self.nesting.is_some();
            form.keyctl = self.keyctl.is_some();
            form.fuse = self.fuse.is_some();
            form.start_at_boot = self.start_at_boot.is_some();
        }
        let private = self.ssh_public_keys.and_then(|text| form.paste_ssh_public_keys(&text));
        let texts = [
            (&mut form.fitted, self.fitted),
            (&mut form.node, self.node),
            (&mut form.hostname, self.hostname),
            (&mut form.vmid, self.vmid),
            (&mut form.os_template, self.os_template),
            (&mut form.cores, self.cores),
            (&mut form.memory, self.memory),
            (&mut form.swap, self.swap),
            (&mut form.storage, self.storage),
            (&mut form.disk, self.disk),
            (&mut form.bridge, self.bridge),
            (&mut form.vlan, self.vlan),
            (&mut form.ipv4_method, self.ipv4_method),
            (&mut form.ipv4_address, self.ipv4_address),
            (&mut form.ipv4_gateway, self.ipv4_gateway),
            (&mut form.ipv6_method, self.ipv6_method),
            (&mut form.ipv6_address, self.ipv6_address),
            (&mut form.ipv6_gateway, self.ipv6_gateway),
            (&mut form.nameserver, self.nameserver),
            (&mut form.search_domain, self.search_domain),
            (&mut form.tags, self.tags),
        ];
        for (field, sent) in texts {
            if let Some(text) = sent {
                *field = text;
            }
        }
        let system = PackageManager::of_os_template(&form.os_template).unwrap_or(PackageManager::Apt);
        system.name().clone_into(&mut form.extra_manager);
        private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_on_the_page_stays() {
        let mut form = CreationForm { bridge: "vmbr0".into(), ..CreationForm::default() };
        let whole = Typed { hostname: Some("web-01".into()), nesting: Some("on".into()), ..Typed::default() };
        whole.apply(&mut form);
        assert_eq!((form.hostname.as_str(), form.bridge.as_str()), ("web-01", "vmbr0"));
        assert!(form.nesting && !form.firewall && !form.unprivileged);
        Typed { node: Some("x".into()), ..Typed::default() }.apply(&mut form);
        assert!(form.nesting && form.node == "x" && form.hostname == "web-01");
    }

    #[test]
    fn a_private_key_does_not_get_into_the_draft() {
        let mut form = CreationForm::default();
        let pasted =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----";
        let typed = Typed { ssh_public_keys: Some(pasted.into()), ..Typed::default() };
        assert!(typed.apply(&mut form).is_some_and(|message| message.contains("line 1")));
        assert_eq!(form.ssh_public_keys, "");
    }
}
