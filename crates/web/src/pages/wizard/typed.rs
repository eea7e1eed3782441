//! What the form of step 2 sends.

use berth_domain::package::PackageManager;
use berth_operations::creation::CreationForm;
use serde::Deserialize;

use crate::forms::FormErrors;

/// Characters of a field, more than any that Proxmox takes.
const LONGEST: usize = 2000;
/// Characters of all keys.
const LONGEST_KEYS: usize = 64 << 10;

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
    /// Puts what was sent into the draft's form, but for a private key and what is too long to be anything: then the messages beside the
    /// fields are answered.
    pub(super) fn apply(self, form: &mut CreationForm) -> FormErrors {
        let mut errors = FormErrors::default();
        // A box that is not ticked is not sent: only the whole form tells it from one that was not on the page.
        if self.hostname.is_some() {
            form.firewall = self.firewall.is_some();
            form.unprivileged = self.unprivileged.is_some();
            form.nesting = self.nesting.is_some();
            form.keyctl = self.keyctl.is_some();
            form.fuse = self.fuse.is_some();
            form.start_at_boot = self.start_at_boot.is_some();
        }
        if let Some(text) = short(&mut errors, "ssh_public_keys", self.ssh_public_keys, LONGEST_KEYS)
            && let Some(problem) = form.paste_ssh_public_keys(&text)
        {
            errors.add("ssh_public_keys", problem);
        }
        let texts = [
            ("fitted", &mut form.fitted, self.fitted),
            ("node", &mut form.node, self.node),
            ("hostname", &mut form.hostname, self.hostname),
            ("vmid", &mut form.vmid, self.vmid),
            ("os_template", &mut form.os_template, self.os_template),
            ("cores", &mut form.cores, self.cores),
            ("memory", &mut form.memory, self.memory),
            ("swap", &mut form.swap, self.swap),
            ("storage", &mut form.storage, self.storage),
            ("disk", &mut form.disk, self.disk),
            ("bridge", &mut form.bridge, self.bridge),
            ("vlan", &mut form.vlan, self.vlan),
            ("ipv4_method", &mut form.ipv4_method, self.ipv4_method),
            ("ipv4_address", &mut form.ipv4_address, self.ipv4_address),
            ("ipv4_gateway", &mut form.ipv4_gateway, self.ipv4_gateway),
            ("ipv6_method", &mut form.ipv6_method, self.ipv6_method),
            ("ipv6_address", &mut form.ipv6_address, self.ipv6_address),
            ("ipv6_gateway", &mut form.ipv6_gateway, self.ipv6_gateway),
            ("nameserver", &mut form.nameserver, self.nameserver),
            ("search_domain", &mut form.search_domain, self.search_domain),
            ("tags", &mut form.tags, self.tags),
        ];
        for (name, field, sent) in texts {
            if let Some(text) = short(&mut errors, name, sent, LONGEST) {
                *field = text;
            }
        }
        let system = PackageManager::of_os_template(&form.os_template).unwrap_or(PackageManager::Apt);
        system.name().clone_into(&mut form.extra_manager);
        errors
    }
}

/// What was sent, unless it has more characters than `longest`.
fn short(errors: &mut FormErrors, name: &str, sent: Option<String>, longest: usize) -> Option<String> {
    let text = sent?;
    if text.chars().nth(longest).is_some() {
        let message = format!("this had more than {longest} characters and was not kept: write less");
        errors.add(name, message);
        return None;
    }
    Some(text)
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
        let errors = typed.apply(&mut form);
        assert!(errors.get("ssh_public_keys").is_some_and(|message| message.contains("line 1")));
        assert_eq!(form.ssh_public_keys, "");
    }

    #[test]
    fn what_is_too_long_is_told_and_leaves_what_was_there() {
        let mut form = CreationForm { hostname: "web-01".into(), ..CreationForm::default() };
        let typed = |hostname: String, vmid: String, keys: String| Typed {
            hostname: Some(hostname),
            vmid: Some(vmid),
            ssh_public_keys: Some(keys),
            ..Typed::default()
        };
        let long = |count: usize| "ü".repeat(count);
        let errors = typed(long(LONGEST + 1), long(1 << 20), long(LONGEST_KEYS + 1)).apply(&mut form);
        for field in ["hostname", "vmid", "ssh_public_keys"] {
            assert!(errors.get(field).is_some_and(|message| message.contains("not kept")), "{field}");
        }
        assert_eq!((form.hostname.as_str(), form.vmid.as_str()), ("web-01", ""));
        assert!(typed(long(LONGEST), String::new(), String::new()).apply(&mut form).is_empty());
        assert_eq!(form.hostname, long(LONGEST));
    }
}
