//! `pvecm`. There is no recording of it: the shape is that of the administration guide.

use std::fmt::Write as _;

use super::{Failure, Session};

impl Session<'_> {
    /// `pvecm status`, `pvecm nodes` and `pvecm updatecerts`
    pub(super) fn pvecm(&self, subcommand: &str) -> Result<(), Failure> {
        if subcommand == "updatecerts" {
            // The members know each other's certificates here without it.
            self.out("(re)generate node files\nmerge authorized SSH keys\n");
            return Ok(());
        }
        if !matches!(subcommand, "status" | "nodes") {
            return Err(Failure::new(format!("ERROR: unknown command 'pvecm {subcommand}'")));
        }
        if !self.host.is_clustered() {
            return Err(Failure::new(
                "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?",
            ));
        }
        let mut members = self.host.members();
        members.push(self.host.clone());
        members.sort_by(|a, b| a.node().cmp(b.node()));
        let (count, online) = (members.len(), members.iter().filter(|host| !host.is_off()).count());
        let quorum = count / 2 + 1;
        let mut text = String::new();
        if subcommand == "status" {
            let quorate = if online >= quorum { "Yes" } else { "No" };
            let _ = write!(
                text,
                "Cluster information\n-------------------\nName:             lab\nConfig Version:   {count}\n\
                 Transport:        knet\nSecure auth:      on\n\n\
                 Quorum information\n------------------\nQuorum provider:  corosync_votequorum\n\
                 Nodes:            {online}\nQuorate:          {quorate}\n\n\
                 Votequorum information\n----------------------\nExpected votes:   {count}\nHighest expected: {count}\n\
                 Total votes:      {online}\nQuorum:           {quorum}\n\n"
            );
        }
        text.push_str("Membership information\n----------------------\n    Nodeid      Votes Name\n");
        for (index, host) in members.iter().enumerate().filter(|(_, host)| !host.is_off()) {
            let local = if host.node() == self.host.node() { " (local)" } else { "" };
            let name = if subcommand == "status" {
                host.read(|model| model.address.clone())
            } else {
                host.node().to_owned()
            };
            let _ = writeln!(text, "0x{:08x}          1 {name}{local}", index + 1);
        }
        self.out(text);
        Ok(())
    }
}
