//! What to paste on a host so that Berth may work on it.

use berth_domain::TokenId;
use berth_domain::node::{NEEDED_PRIVILEGES, OPTIONAL_PRIVILEGES};
use berth_proxmox::shell::quote;

/// Where the key pair of a user is made, and who is allowed what: the names that the commands use.
const PAIR: &str = ".ssh/berth";

/// Commands for a root shell on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupCommands {
    /// Makes a role, a user and a token that may do what Berth needs and no more. The last line prints the token's secret.
    pub api: String,
    /// Makes a key pair, lets it in as root, and prints the private key to paste.
    pub ssh: String,
    /// Instead of that for a user other than root: makes the user, lets it run `pct` and nothing else as root, and does
    /// the same with a key pair.
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
        ssh: key_commands("root"),
        sudo: format!(
            "adduser --disabled-password --gecos '' berth\n{}\n{}",
            sudo_commands("berth"),
            key_commands("berth")
        ),
    }
}

/// Makes a token of this name anew; the last line prints its secret. With privilege separation, Proxmox's own default,
/// it would begin without any privilege.
pub(super) fn new_token_commands(token: &TokenId) -> String {
    let (user, name) = (word(&token.userid()), word(token.token()));
    format!("pveum user token remove {user} {name}\npveum user token add {user} {name} --privsep 0")
}

/// Lets a user run `pct`, and ask for the host's name, as root. Proxmox VE comes without sudo.
pub(super) fn sudo_commands(user: &str) -> String {
    format!(
        "command -v sudo || apt-get install -y sudo\n\
         echo '{user} ALL=(root) NOPASSWD: /usr/sbin/pct, /usr/bin/hostname' > /etc/sudoers.d/berth\n\
         chmod 440 /etc/sudoers.d/berth\n\
         visudo -c"
    )
}

/// Makes a key pair in a user's home, lets it in, and prints the private key.
pub(super) fn key_commands(user: &str) -> String {
    let home = home(user);
    let own = if user == "root" { String::new() } else { format!("chown -R {user}: {home}/.ssh\n") };
    format!(
        "mkdir -p -m 700 {home}/.ssh\n\
         ssh-keygen -q -t ed25519 -N '' -C berth -f {home}/{PAIR}\n\
         cat {home}/{PAIR}.pub >> {home}/.ssh/authorized_keys\n\
         {own}cat {home}/{PAIR}"
    )
}

/// A user's home as a shell finds it.
pub(super) fn home(user: &str) -> String {
    if user == "root" { "/root".into() } else { format!("~{user}") }
}

fn word(text: &str) -> String {
    quote(text).unwrap_or_default()
}

fn all_privileges() -> String {
    let optional = OPTIONAL_PRIVILEGES.iter().map(|(privilege, _)| *privilege);
    NEEDED_PRIVILEGES.into_iter().chain(optional).collect::<Vec<_>>().join(" ")
}

/// The commands that give a token what it lacks. Both user and token are granted: a token with privilege separation
/// has only what both have. `root@pam` has everything and takes no grant.
pub(super) fn grant_commands(token: &TokenId) -> String {
    let privileges = all_privileges();
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
    fn a_user_of_its_own_gets_a_key_of_its_own() {
        let commands = setup_commands();
        assert!(commands.ssh.contains("/root/.ssh/authorized_keys") && !commands.ssh.contains("chown"));
        for part in [
            "adduser",
            "apt-get install -y sudo",
            "berth ALL=(root) NOPASSWD:",
            "chown -R berth: ~berth/.ssh",
        ] {
            assert!(commands.sudo.contains(part), "{part}: {}", commands.sudo);
        }
        assert!(commands.sudo.ends_with("\ncat ~berth/.ssh/berth"));
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
