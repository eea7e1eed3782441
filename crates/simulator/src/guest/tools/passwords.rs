//! Who may come in, as the configuration of the simulated daemons says. Where a real one keeps a hash, these keep the password.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Users with their passwords.
pub(super) type Accounts = Vec<(String, String)>;

/// Those of a program's port; `None` when it lets anybody in.
pub(super) fn of(program: &str, port: u16) -> Option<Accounts> {
    match program {
        "nginx" => table(&named_in("/etc/nginx/conf.d", "auth_basic_user_file ", Some(port))?),
        "mosquitto" => table(&named_in("/etc/mosquitto/conf.d", "password_file ", None)?),
        "prometheus" => table(Path::new("/etc/prometheus/web.yml")),
        "redis-server" => Some(vec![(String::new(), redis_password()?)]),
        "syncthing" if port == 8384 => table(&syncthing()?),
        "radicale" => table(Path::new("/etc/radicale/users")),
        _ => kept_at(program).map(|path| table(Path::new(path)).unwrap_or_default()),
    }
}

/// Whether this user and password come in.
pub(super) fn let_in(program: &str, port: u16, user: &str, password: &str) -> bool {
    of(program, port).is_none_or(|all| all.iter().any(|(name, secret)| name == user && secret == password))
}

/// Where the simulated daemons keep what real ones have in a database. PostgreSQL's client is not root, and has no folder of its own here.
fn kept_at(program: &str) -> Option<&'static str> {
    match program {
        "postgres" => Some("/var/tmp/postgresql-passwords"),
        "mariadbd" => Some("/var/lib/mysql/passwords"),
        "smbd" => Some("/var/lib/samba/private/passwords"),
        _ => None,
    }
}

/// Sets a password in such a place.
pub(super) fn set(program: &str, user: &str, password: &str) -> io::Result<()> {
    let path = Path::new(kept_at(program).ok_or(io::ErrorKind::Unsupported)?);
    let mut all = table(path).unwrap_or_default();
    all.retain(|(name, _)| name != user);
    all.push((user.to_owned(), password.to_owned()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    all.iter().try_for_each(|(name, secret)| writeln!(file, "{name}:{secret}"))
}

/// Lines of `user:password`, as `htpasswd`, Mosquitto and Prometheus write them.
fn table(path: &Path) -> Option<Accounts> {
    let text = fs::read_to_string(path).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let plain = |secret: &str| secret.trim().trim_matches('"').trim_start_matches("{PLAIN}").to_owned();
    Some(lines.map(|(user, secret)| (user.trim().to_owned(), plain(secret))).collect())
}

/// The file that a directive names, in the configuration files of a directory, or in the one of them that listens on `port`.
fn named_in(directory: &str, directive: &str, port: Option<u16>) -> Option<PathBuf> {
    let files = fs::read_dir(directory).ok()?.flatten();
    let texts = files.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let listens = |text: &String| port.is_none_or(|port| text.contains(&format!("listen {port};")));
    texts.filter(listens).find_map(|text| {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(directive))?;
        Some(PathBuf::from(value.trim().trim_end_matches(';')))
    })
}

fn redis_password() -> Option<String> {
    let lines = redis_lines();
    lines.iter().rev().find_map(|line| line.strip_prefix("requirepass ")).map(str::to_owned)
}

/// Redis' configuration with what it includes.
pub(super) fn redis_lines() -> Vec<String> {
    let text = fs::read_to_string("/etc/redis/redis.conf").unwrap_or_default();
    let included = |line: &str| match line.strip_prefix("include ") {
        Some(path) => fs::read_to_string(path).unwrap_or_default(),
        None => line.to_owned(),
    };
    text.lines().flat_map(|line| included(line).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Where the simulated `syncthing generate` keeps the password.
pub(super) const SYNCTHING: &str = ".config/syncthing/passwords";

fn syncthing() -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    Some(Path::new(&home).join(SYNCTHING)).filter(|path| path.exists())
}
