//! Whether a user of the host may run a command as root, as `/etc/sudoers` has it.

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::guest::tools::host::NO_PASSWORD;
use crate::guest::wire::Attach;
use crate::guest::{HOST, has_users};
use crate::state::Host;
use crate::sudoers::{self, Wish};
use crate::unix::{self, Account};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command as root runs it, or what sudo says instead.
pub(super) fn allow(
    host: &Host,
    stream: &UnixStream,
    claimed: &str,
    request: Attach,
) -> Result<Attach, String> {
    let root = host.guests().root(HOST);
    let account = caller(&root, stream, claimed)
        .ok_or_else(|| "sudo: you do not exist in the passwd database".to_owned())?;
    let words: Vec<String> = request.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (name, arguments) = words.split_first().ok_or_else(|| NO_PASSWORD.to_owned())?;
    let program = find_program(&root, name);
    let wish = Wish {
        user: &account.name,
        groups: &unix::groups(&root, &account),
        hostname: host.node(),
        program: program.as_deref().unwrap_or(name),
        arguments: &arguments.join(" "),
    };
    if !sudoers::is_free(&sudoers::rules(&root), &wish) {
        return Err(NO_PASSWORD.to_owned());
    }
    if program.is_none() {
        return Err(format!("sudo: {name}: command not found"));
    }
    let env = environment(&account, &request.env, &words.join(" "));
    Ok(Attach { env, ..request })
}

fn caller(root: &Path, stream: &UnixStream, claimed: &str) -> Option<Account> {
    if !has_users() {
        return unix::find(root, claimed);
    }
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?.uid.as_raw();
    unix::accounts(root).into_iter().find(|account| account.uid == peer)
}

/// Looked up as a link too: the host's programs are links that lead somewhere only inside.
fn find_program(root: &Path, name: &str) -> Option<String> {
    let there = |path: &String| root.join(path.trim_start_matches('/')).symlink_metadata().is_ok();
    if name.contains('/') {
        return Some(name.to_owned()).filter(there);
    }
    PATH.split(':').map(|directory| format!("{directory}/{name}")).find(there)
}

fn environment(
    account: &Account,
    theirs: &[(OsString, OsString)],
    command: &str,
) -> Vec<(OsString, OsString)> {
    let own = [
        ("SHELL", "/bin/bash".to_owned()),
        ("SUDO_GID", account.gid.to_string()),
        ("SUDO_COMMAND", command.to_owned()),
        ("SUDO_USER", account.name.clone()),
        ("LOGNAME", "root".to_owned()),
        ("HOME", "/root".to_owned()),
        ("USER", "root".to_owned()),
        ("PATH", PATH.to_owned()),
        ("MAIL", "/var/mail/root".to_owned()),
        ("SUDO_UID", account.uid.to_string()),
    ];
    let kept = theirs.iter().filter(|(key, _)| {
        let key = key.to_string_lossy();
        key == "TERM" || key == "LANG" || key.starts_with("LC_")
    });
    own.into_iter().map(|(key, value)| (key.into(), value.into())).chain(kept.cloned()).collect()
}
