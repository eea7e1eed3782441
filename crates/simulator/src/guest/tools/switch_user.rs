//! `su`, `runuser`, and `sudo` inside a guest: no passwords are asked of root.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::err;
use crate::guest::init::all_ids_mapped;

#[derive(Debug)]
struct User {
    name: String,
    uid: String,
    gid: String,
    home: String,
    shell: String,
}

fn find(name: &str) -> Option<User> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<String> = line.split(':').map(str::to_owned).collect();
    let field = |index: usize| fields.get(index).cloned();
    Some(User { name: field(0)?, uid: field(2)?, gid: field(3)?, home: field(5)?, shell: field(6)? })
}

/// What the three command lines have in common.
#[derive(Debug, Default)]
struct Line {
    user: Option<String>,
    login: bool,
    shell: Option<String>,
    command: Option<String>,
    argv: Vec<String>,
}

fn parse(called: &str, args: &[String]) -> Line {
    let mut line = Line::default();
    let mut words = args.iter().peekable();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-u" | "--user" => line.user = words.next().cloned(),
            "-g" | "--group" | "-G" | "-C" | "-p" | "-r" | "-D" if called == "sudo" => drop(words.next()),
            "-g" | "--group" | "-G" => drop(words.next()),
            "-c" | "--command" if called != "sudo" => line.command = words.next().cloned(),
            "-s" | "--shell" if called != "sudo" => line.shell = words.next().cloned(),
            "-" | "-l" | "--login" | "-i" => line.login = true,
            "--" => {
                line.argv.extend(words.by_ref().cloned());
            }
            other if other.starts_with('-') => {}
            // `su USER` and `runuser USER` name the user first; after `-u` and with sudo the command begins.
            _ if called != "sudo" && line.user.is_none() => line.user = Some(word.clone()),
            _ => {
                line.argv.push(word.clone());
                line.argv.extend(words.by_ref().cloned());
            }
        }
    }
    line
}

/// One of the three programs.
pub(super) fn main(called: &str, args: &[String]) -> i32 {
    let line = parse(called, args);
    let name = line.user.clone().unwrap_or_else(|| "root".to_owned());
    let Some(user) = find(&name) else {
        err(format!("{called}: user {name} does not exist"));
        return 1;
    };
    let shell = line.shell.clone().unwrap_or_else(|| user.shell.clone());
    let mut words = match (&line.command, line.argv.is_empty()) {
        (Some(command), _) => vec![shell, "-c".to_owned(), command.clone()],
        (None, true) => vec![shell],
        (None, false) => line.argv.clone(),
    };
    if all_ids_mapped() && user.uid != "0" {
        let switch = ["/usr/bin/setpriv", "--clear-groups", "--reuid", &user.uid, "--regid", &user.gid, "--"];
        words.splice(0..0, switch.map(str::to_owned));
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env("USER", &user.name).env("LOGNAME", &user.name).env("HOME", &user.home);
    if line.login && std::path::Path::new(&user.home).is_dir() {
        command.current_dir(&user.home);
    }
    err(format!("{called}: failed to execute {}: {}", words[0], command.exec()));
    127
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_three_ways_to_name_a_user_are_understood() {
        let line = parse("su", &words("- www-data -s /bin/sh -c id"));
        assert_eq!(
            (line.user.as_deref(), line.command.as_deref(), line.login),
            (Some("www-data"), Some("id"), true)
        );
        let line = parse("runuser", &words("-u app -- ls -l"));
        assert_eq!((line.user.as_deref(), line.argv), (Some("app"), words("ls -l")));
        let line = parse("sudo", &words("-n -u app ls -l"));
        assert_eq!((line.user.as_deref(), line.argv), (Some("app"), words("ls -l")));
    }
}
