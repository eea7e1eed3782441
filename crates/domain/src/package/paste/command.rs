//! Install commands of all the managers, and what stands around them on a command line.

use super::line::{SEPARATORS, Token};
use crate::package::PackageManager;

/// A command of a line.
#[derive(Debug)]
pub(super) enum Segment<'a> {
    /// It installs its arguments.
    Install {
        manager: PackageManager,
        /// The command as it is written anew.
        command: &'static str,
        arguments: &'a [Token],
    },
    /// It belongs to installing and installs nothing of its own, such as `apt update`.
    Nothing,
    /// Anything else.
    Other(&'a [Token]),
}

/// The commands of a line, between `&&`, `||`, `|`, `&` and `;`.
pub(super) fn segments(tokens: &[Token]) -> Vec<Segment<'_>> {
    let is_separator = |token: &Token| token.text.starts_with(SEPARATORS);
    let parts = tokens.split(is_separator).filter(|part| !part.is_empty());
    parts.map(segment).collect()
}

/// Whether a line has a command that installs something.
pub(super) fn installs(tokens: &[Token]) -> bool {
    segments(tokens).iter().any(|segment| matches!(segment, Segment::Install { .. }))
}

/// What is missing from a line that begins as a manager's command does and is none.
pub(super) fn half(tokens: &[Token]) -> Option<String> {
    let (first, second) = match tokens {
        [first, second, ..] => (first.text.as_str(), second.text.as_str()),
        _ => return None,
    };
    if ["sudo", "doas"].contains(&first) {
        return Some("this is no install command".into());
    }
    let (manager, command) = manager_of(first)?;
    let what = if ["remove", "purge", "uninstall", "autoremove", "del", "erase"].contains(&second) {
        "this removes packages"
    } else {
        "this is no install command"
    };
    Some(format!("{what}: write {command} NAME, or {manager}:NAME"))
}

fn manager_of(word: &str) -> Option<(PackageManager, &'static str)> {
    Some(match word {
        "apt" | "apt-get" | "aptitude" | "nala" => (PackageManager::Apt, "apt install"),
        "apk" => (PackageManager::Apk, "apk add"),
        "dnf" | "dnf5" | "yum" | "microdnf" => (PackageManager::Dnf, "dnf install"),
        "pacman" | "yay" | "paru" => (PackageManager::Pacman, "pacman -S"),
        "npm" | "pnpm" | "yarn" | "bun" => (PackageManager::Npm, "npm install"),
        "pip" | "pip3" | "pipx" | "uv" => (PackageManager::Pip, "pip install"),
        _ => return None,
    })
}

fn segment(tokens: &[Token]) -> Segment<'_> {
    let mut words = without_prefix(tokens);
    if let [python, flag, rest @ ..] = words
        && ["python", "python3"].contains(&python.text.as_str())
        && flag.text == "-m"
    {
        words = rest;
    }
    let Some((first, mut rest)) = words.split_first() else { return Segment::Other(tokens) };
    let Some((manager, command)) = manager_of(&first.text) else { return Segment::Other(tokens) };
    loop {
        let Some((word, after)) = rest.split_first() else { return Segment::Other(tokens) };
        let word = word.text.as_str();
        rest = after;
        let synchronises = manager == PackageManager::Pacman && word.starts_with("-S");
        if synchronises && rest.is_empty() && word.contains(['y', 'u']) {
            return Segment::Nothing;
        }
        if synchronises || is_install(manager, word) {
            return Segment::Install { manager, command, arguments: rest };
        }
        if is_upkeep(manager, word) {
            return Segment::Nothing;
        }
        // `uv pip install`, `yarn global add`.
        let goes_on = word.starts_with('-') || ["pip", "global", "tool"].contains(&word);
        if !goes_on {
            return Segment::Other(tokens);
        }
        if takes_value(manager, word) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
}

fn is_install(manager: PackageManager, word: &str) -> bool {
    match manager {
        PackageManager::Apk => word == "add",
        PackageManager::Npm => ["install", "i", "add"].contains(&word),
        PackageManager::Pacman => word == "--sync",
        _ => ["install", "reinstall"].contains(&word),
    }
}

fn is_upkeep(manager: PackageManager, word: &str) -> bool {
    let all = [
        "update",
        "upgrade",
        "full-upgrade",
        "dist-upgrade",
        "autoremove",
        "autoclean",
        "clean",
        "makecache",
    ];
    manager.is_system() && all.contains(&word)
}

/// Without `sudo`, `env` and variables set for the command.
fn without_prefix(mut tokens: &[Token]) -> &[Token] {
    let mut after_sudo = false;
    while let Some((first, rest)) = tokens.split_first() {
        let word = first.text.as_str();
        let sets = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|character| character.is_ascii_uppercase() || "_0123456789".contains(character))
        });
        let wraps = ["sudo", "doas", "env", "exec", "time"].contains(&word);
        if !(wraps || sets || (after_sudo && word.starts_with('-'))) {
            break;
        }
        after_sudo |= wraps;
        tokens = rest;
    }
    tokens
}

/// Why an option is not read; none for those that change nothing of what is installed.
pub(super) fn option(manager: PackageManager, text: &str) -> Option<String> {
    const HARMLESS: &[&str] = &[
        "-y",
        "--yes",
        "--assume-yes",
        "--assumeyes",
        "-q",
        "-qq",
        "-qy",
        "-yq",
        "-qqy",
        "-yqq",
        "--quiet",
        "--no-install-recommends",
        "--no-install-suggests",
        "--show-progress",
        "--fix-missing",
        "--fix-broken",
        "-f",
        "--no-cache",
        "-U",
        "--update",
        "--update-cache",
        "--upgrade",
        "--noconfirm",
        "--needed",
        "--noprogressbar",
        "--refresh",
        "--best",
        "--setopt=install_weak_deps=False",
        "-g",
        "--global",
        "--no-fund",
        "--no-audit",
        "--silent",
        "--no-progress",
        "--user",
        "--no-cache-dir",
        "--break-system-packages",
        "--disable-pip-version-check",
        "--",
    ];
    let file =
        manager == PackageManager::Pip && ["-r", "--requirement", "-c", "--constraint"].contains(&text);
    if file {
        return Some("this names a file that is not here: paste its lines instead".into());
    }
    (!HARMLESS.contains(&text)).then(|| "this option is not kept".into())
}

/// Whether the next word is the option's value.
pub(super) fn takes_value(manager: PackageManager, text: &str) -> bool {
    let options: &[&str] = match manager {
        PackageManager::Apt => {
            &["-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file", "-a"]
        }
        PackageManager::Apk => &["-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch"],
        PackageManager::Dnf => &[
            "-c",
            "--config",
            "--repo",
            "--repoid",
            "--enablerepo",
            "--disablerepo",
            "-x",
            "--exclude",
            "--setopt",
            "--releasever",
            "--installroot",
        ],
        PackageManager::Pacman => {
            &["--ignore", "--root", "-r", "--config", "--dbpath", "-b", "--overwrite", "--assume-installed"]
        }
        PackageManager::Npm => &["--prefix", "--registry", "--tag", "--cache", "-w", "--workspace"],
        PackageManager::Pip => &[
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "-e",
            "--editable",
            "-t",
            "--target",
            "--prefix",
            "--root",
        ],
    };
    options.contains(&text)
}
