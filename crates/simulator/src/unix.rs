//! The users of a simulated host, as its `/etc/passwd` and `/etc/group` have them.

use std::path::Path;

/// One line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
}

impl Account {
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(Self { name: (*name).into(), uid, gid, home: (*home).into(), shell: (*shell).into() })
    }
}

/// All users of the root directory `root`.
pub(crate) fn accounts(root: &Path) -> Vec<Account> {
    let text = std::fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    text.lines().filter_map(Account::read).collect()
}

/// The user of this name.
pub(crate) fn find(root: &Path, name: &str) -> Option<Account> {
    accounts(root).into_iter().find(|account| account.name == name)
}

/// The names of the groups a user is in.
pub(crate) fn groups(root: &Path, account: &Account) -> Vec<String> {
    let text = std::fs::read_to_string(root.join("etc/group")).unwrap_or_default();
    let names = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = fields.as_slice() else { return None };
        let own = gid.parse() == Ok(account.gid);
        (own || members.split(',').any(|member| member == account.name)).then(|| (*name).to_owned())
    });
    names.collect()
}
