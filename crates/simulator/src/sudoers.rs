//! `/etc/sudoers` and `/etc/sudoers.d`: who may run what as root, and whether a password is asked. Aliases are not
//! followed; everything else that a rule needs is read as sudoers(5) has it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A file that visudo finds fault with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Counted from one.
    pub(crate) line: usize,
}

/// What a rule lets somebody run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Command {
    pattern: String,
    allowed: bool,
    free: bool,
    as_root: bool,
}

/// `WHO HOSTS = COMMANDS`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    who: Vec<String>,
    hosts: Vec<String>,
    commands: Vec<Command>,
}

/// Who wants to run what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) user: &'a str,
    pub(crate) groups: &'a [String],
    pub(crate) hostname: &'a str,
    /// With its directory.
    pub(crate) program: &'a str,
    /// The arguments, joined by blanks.
    pub(crate) arguments: &'a str,
}

/// The files in the order they are read.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let main = root.join("etc/sudoers");
    let text = std::fs::read_to_string(&main).unwrap_or_default();
    let mut found = vec![main];
    if text.lines().any(|line| line.trim_start().trim_start_matches(['#', '@']).starts_with("includedir")) {
        let entries = std::fs::read_dir(root.join("etc/sudoers.d")).into_iter().flatten().flatten();
        let wanted = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !name.contains('.') && !name.ends_with('~') && path.is_file()
        };
        let mut more: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(wanted).collect();
        more.sort();
        found.extend(more);
    }
    found
}

/// All rules; files that others than root may write are passed over, and so are lines with errors.
pub(crate) fn rules(root: &Path) -> Vec<Rule> {
    let safe = |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o022 == 0);
    let texts = files(root).into_iter().filter(safe).filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| parse(&text).0).collect()
}

/// The rules of one file and the lines that are none.
pub(crate) fn parse(text: &str) -> (Vec<Rule>, Vec<SyntaxError>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    let mut whole = String::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(begun) = line.strip_suffix('\\') {
            whole.push_str(begun);
            continue;
        }
        whole.push_str(line);
        let line = std::mem::take(&mut whole);
        if is_setting(line.trim()) {
            continue;
        }
        match rule(line.trim()) {
            Some(rule) => rules.push(rule),
            None => errors.push(SyntaxError { line: index + 1 }),
        }
    }
    (rules, errors)
}

fn is_setting(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    line.is_empty()
        || line.starts_with(['#', '@'])
        || first.starts_with("Defaults")
        || first.ends_with("_Alias")
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn rule(line: &str) -> Option<Rule> {
    let (left, right) = line.split_once('=')?;
    // `a, b` is one list.
    let left = left.replace(", ", ",").replace(" ,", ",");
    let [who, hosts] = left.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    let (mut free, mut as_root) = (false, true);
    let mut commands = Vec::new();
    for part in right.replace("\\,", "\u{1}").split(',') {
        let mut rest = part.trim();
        if let Some(inside) = rest.strip_prefix('(') {
            let (runas, after) = inside.split_once(')')?;
            let users = runas.split(':').next().unwrap_or_default();
            as_root = list(users).iter().any(|user| user == "root" || user == "ALL");
            rest = after.trim();
        }
        while let Some((tag, after)) = rest.split_once(':').filter(|(tag, _)| is_tag(tag)) {
            match tag.trim() {
                "NOPASSWD" => free = true,
                "PASSWD" => free = false,
                _ => {}
            }
            rest = after.trim();
        }
        let allowed = !rest.starts_with('!');
        let pattern = rest.trim_start_matches('!').trim().replace('\u{1}', ",");
        let alias = !pattern.is_empty() && pattern.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        if !(pattern.starts_with('/') || alias || pattern.starts_with("sudoedit")) {
            return None;
        }
        commands.push(Command { pattern, allowed, free, as_root });
    }
    Some(Rule { who: list(who), hosts: list(hosts), commands })
}

fn is_tag(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// Whether the wish is granted without a password, as the last rule that fits has it. A password has nobody here: what
/// is granted with one and what is not granted at all come to the same.
pub(crate) fn is_free(rules: &[Rule], wish: &Wish<'_>) -> bool {
    let mut free = false;
    for rule in rules.iter().filter(|rule| rule.is_for(wish)) {
        for command in rule.commands.iter().filter(|command| command.as_root && command.fits(wish)) {
            free = command.allowed && command.free;
        }
    }
    free
}

impl Rule {
    fn is_for(&self, wish: &Wish<'_>) -> bool {
        let me = |name: &String| {
            name == "ALL"
                || name == wish.user
                || name.strip_prefix('%').is_some_and(|group| wish.groups.iter().any(|mine| mine == group))
        };
        self.who.iter().any(me) && self.hosts.iter().any(|host| host == "ALL" || host == wish.hostname)
    }
}

impl Command {
    fn fits(&self, wish: &Wish<'_>) -> bool {
        if self.pattern == "ALL" {
            return true;
        }
        let (path, arguments) =
            self.pattern.split_once(' ').map_or((self.pattern.as_str(), None), |(p, a)| (p, Some(a.trim())));
        let told = match arguments {
            None => true,
            Some("\"\"") => wish.arguments.is_empty(),
            Some(pattern) => glob(pattern, wish.arguments),
        };
        told && glob(path, wish.program)
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    let pattern = regex::escape(pattern).replace("\\*", ".*").replace("\\?", ".");
    Regex::new(&format!("^{pattern}$")).is_ok_and(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(text: &str, program: &str, arguments: &str) -> bool {
        let (rules, errors) = parse(text);
        assert_eq!(errors, []);
        let groups = ["berth".to_owned(), "sudo".to_owned()];
        let wish = Wish { user: "berth", groups: &groups, hostname: "pve", program, arguments };
        is_free(&rules, &wish)
    }

    #[test]
    fn a_rule_grants_what_it_names_and_no_more() {
        let line = "berth ALL=(root) NOPASSWD: /usr/sbin/pct, /usr/bin/hostname\n";
        assert!(free(line, "/usr/sbin/pct", "list"));
        assert!(free(line, "/usr/bin/hostname", ""));
        assert!(!free(line, "/usr/bin/cat", "/etc/shadow"));
        assert!(!free("other ALL=(root) NOPASSWD: ALL", "/usr/sbin/pct", "list"));
        assert!(!free("berth elsewhere=(root) NOPASSWD: ALL", "/usr/sbin/pct", "list"));
        assert!(!free("berth ALL=(www-data) NOPASSWD: ALL", "/usr/sbin/pct", "list"));
        assert!(!free("berth ALL=(root) /usr/sbin/pct", "/usr/sbin/pct", "list"));
        assert!(free("%sudo ALL=(ALL:ALL) NOPASSWD: ALL", "/usr/sbin/pct", "list"));
    }

    #[test]
    fn arguments_negation_and_order_count() {
        let only = "berth ALL=NOPASSWD: /usr/sbin/pct list, /usr/sbin/pct exec *\n";
        assert!(free(only, "/usr/sbin/pct", "list") && free(only, "/usr/sbin/pct", "exec 101 -- ls"));
        assert!(!free(only, "/usr/sbin/pct", "destroy 101"));
        let except = "berth ALL=NOPASSWD: ALL, !/usr/bin/su\n";
        assert!(!free(except, "/usr/bin/su", "") && free(except, "/usr/bin/id", ""));
        assert!(!free("berth ALL=NOPASSWD: ALL\nberth ALL=ALL\n", "/usr/bin/id", ""));
    }

    #[test]
    fn what_is_no_rule_is_told_by_line() {
        let (_, errors) =
            parse("# fine\nDefaults env_reset\n\nberth ALL NOPASSWD: pct\nberth ALL=(root) pct\n");
        assert_eq!(errors, [SyntaxError { line: 4 }, SyntaxError { line: 5 }]);
    }
}
