//! What to paste on a host so that Berth may work on it.

use berth_domain::TokenId;
use berth_domain::node::{NEEDED_PRIVILEGES, OPTIONAL_PRIVILEGES};
use berth_proxmox::shell::quote;

/// Commands for a root shell on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupCommands {
    /// Makes a role, a user and a token that may do what Berth needs and no more. The last line prints the token's secret.
    pub api: String,
    /// Makes a key pair, lets it in as root, and prints the private key to paste.
    pub ssh: String,
    /// For a user other than root: lets the user run `pct` and nothing else as root.
    pub sudo: String,
}

/// The commands that the page for adding a node shows.
///
/// The user exists for nothing but this token, so the token has no privileges of its own to be separated
/// (`--privsep 0`): with separation both user and token would need the same grant, and forgetting one is the
/// commonest reason for a token that may do nothing.
pub fn setup_commands() -> SetupCommands {
    SetupCommands {
        api: format!(
            "pveum role add Berth --privs \"{}\"\n\
             pveum user add berth@pve --comment \"Berth\"\n\
             pveum acl modify / --users berth@pve --roles Berth\n\
             pveum user token add berth@pve berth --privsep 0",
            all_privileges()
        ),
        ssh: "mkdir -p -m 700 /root/.ssh\n\
              ssh-keygen -q -t ed25519 -N '' -C berth -f /root/.ssh/berth\n\
              cat /root/.ssh/berth.pub >> /root/.ssh/authorized_keys\n\
              cat /root/.ssh/berth"
            .into(),
        sudo: "adduser --disabled-password --gecos '' berth\n\
               echo 'berth ALL=(root) NOPASSWD: /usr/sbin/pct, /usr/bin/hostname' > /etc/sudoers.d/berth\n\
               chmod 440 /etc/sudoers.d/berth\n\
               visudo -c"
            .into(),
    }
}

fn all_privileges() -> String {
    let optional = OPTIONAL_PRIVILEGES.iter().map(|(privilege, _)| *privilege);
    NEEDED_PRIVILEGES.into_iter().chain(optional).collect::<Vec<_>>().join(" ")
}

/// The commands that give a token what it lacks. Both user and token are granted: a token with privilege separation
/// has only what both have. `root@pam` has everything and takes no grant.
pub(super) fn grant_commands(token: &TokenId) -> String {
    let privileges = all_privileges();
    let word = |text: &str| quote(text).unwrap_or_default();
    let (userid, token_id) = (token.userid(), token.to_string());
    let mut commands = vec![format!(
        "pveum role add Berth --privs \"{privileges}\" || pveum role modify Berth --privs \"{privileges}\""
    )];
    if userid != "root@pam" {
        commands.push(format!("pveum acl modify / --users {} --roles Berth", word(&userid)));
    }
    commands.push(format!("pveum acl modify / --tokens {} --roles Berth", word(&token_id)));
    commands.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_has_every_privilege() {
        let commands = setup_commands();
        for privilege in NEEDED_PRIVILEGES {
            assert!(commands.api.contains(privilege), "{privilege}");
        }
        assert!(commands.api.ends_with("--privsep 0"));
    }

    #[test]
    fn both_user_and_token_are_granted_and_quoted() {
        let commands = grant_commands(&"a'b@pve!berth".parse().unwrap());
        assert!(commands.contains(r"--users 'a'\''b@pve' --roles"), "{commands}");
        assert!(commands.contains(r"--tokens 'a'\''b@pve!berth' --roles"), "{commands}");
        let root = grant_commands(&"root@pam!sep3".parse().unwrap());
        assert!(!root.contains("--users") && root.contains("--tokens 'root@pam!sep3'"), "{root}");
    }
}
