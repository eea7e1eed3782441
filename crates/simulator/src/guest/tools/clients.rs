//! Clients of the simulated daemons: they ask a port that really listens, and come in with the password that the daemon's
//! configuration has. They know the questions that scripts ask to see whether a daemon answers.

use std::fs;
use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{err, out, passwords, value_of};

/// Real daemons tell systemd when they are ready, and a restart waits for that; ours are given this long to listen.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Programs that are ours even where the machine has them: the machine's would not understand our daemons.
pub(crate) const NAMES: [&str; 16] = [
    "psql",
    "mariadb",
    "mysql",
    "redis-cli",
    "mosquitto_pub",
    "mosquitto_sub",
    "mosquitto_passwd",
    "smbclient",
    "smbpasswd",
    "testparm",
    "promtool",
    "htpasswd",
    "ssh-keyscan",
    "dig",
    "syncthing",
    "caddy",
];

/// One of these; `None` when the program is a daemon this time.
pub(super) fn main(name: &str, args: &[String]) -> Option<i32> {
    Some(match name {
        "psql" => sql("postgres", 5432, "PGPASSWORD", args),
        "mariadb" | "mysql" => sql("mariadbd", 3306, "MYSQL_PWD", args),
        "redis-cli" => redis(args),
        "mosquitto_pub" | "mosquitto_sub" => mqtt(name, args),
        "mosquitto_passwd" | "testparm" | "promtool" => checked(name, args),
        "caddy" if args.first().is_some_and(|verb| verb == "validate") => checked(name, args),
        "smbclient" => smb(args),
        "smbpasswd" => smbpasswd(args),
        "htpasswd" => htpasswd(args),
        "ssh-keyscan" => keyscan(args),
        "dig" => dig(args),
        "syncthing" if args.first().is_some_and(|verb| verb == "generate") => generate(args),
        _ => return None,
    })
}

/// Words that are no options, and the values of options by name.
struct Line<'a> {
    args: &'a [String],
}

impl<'a> Line<'a> {
    fn option(&self, names: &[&str]) -> Option<String> {
        let mut index = 0;
        while index < self.args.len() {
            if names.contains(&self.args[index].split('=').next().unwrap_or_default()) {
                return value_of(self.args, &mut index, names);
            }
            index += 1;
        }
        None
    }

    fn last(&self) -> &'a str {
        self.args.last().map_or("", String::as_str)
    }
}

fn input() -> String {
    let mut text = String::new();
    // What is no text is no command either.
    let _ = io::stdin().read_to_string(&mut text);
    text
}

fn reaches(host: &str, port: u16) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut addresses = (host, port).to_socket_addrs().into_iter().flatten();
        if addresses.any(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok()) {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

/// `psql` and `mariadb`: over the network as a user with a password, else as the administrator.
fn sql(daemon: &str, port: u16, variable: &str, args: &[String]) -> i32 {
    let line = Line { args };
    let host = line.option(&["-h", "--host"]);
    if !reaches(host.as_deref().unwrap_or("127.0.0.1"), port) {
        err(format!("connection to server, port {port} failed: Connection refused"));
        return 2;
    }
    let statements = line.option(&["-c", "-e", "--command", "--execute"]).unwrap_or_else(input);
    if host.is_some() {
        let user = line.option(&["-U", "-u", "--username", "--user"]).unwrap_or_default();
        let password = std::env::var(variable).unwrap_or_default();
        if !passwords::let_in(daemon, port, &user, &password) {
            err(format!("FATAL:  password authentication failed for user \"{user}\""));
            return 2;
        }
    }
    for (user, password) in statements.lines().filter_map(new_password) {
        if let Err(error) = passwords::set(daemon, user, password) {
            err(format!("ERROR:  {error}"));
            return 3;
        }
    }
    if statements.contains("SELECT 6 * 7") {
        out("42\n");
    }
    0
}

/// `ALTER ROLE app PASSWORD 'x';` or `ALTER USER 'app'@'%' IDENTIFIED BY 'x';`
fn new_password(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().strip_prefix("ALTER ")?;
    let (who, secret) = line.split_once(" PASSWORD ").or_else(|| line.split_once(" IDENTIFIED BY "))?;
    let user = who.split_whitespace().nth(1)?.split('@').next()?.trim_matches('\'');
    Some((user, secret.trim_end_matches(';').trim_matches('\'')))
}

fn redis(args: &[String]) -> i32 {
    let line = Line { args };
    if !reaches(&line.option(&["-h"]).unwrap_or_else(|| "127.0.0.1".to_owned()), 6379) {
        err("Could not connect to Redis at 127.0.0.1:6379: Connection refused");
        return 1;
    }
    let password = line.option(&["-a"]).or_else(|| std::env::var("REDISCLI_AUTH").ok()).unwrap_or_default();
    if passwords::let_in("redis-server", 6379, "", &password) {
        out("PONG\n");
    } else {
        out("NOAUTH Authentication required.\n");
    }
    0
}

fn mqtt(name: &str, args: &[String]) -> i32 {
    let line = Line { args };
    let host = line.option(&["-h"]).unwrap_or_else(|| "127.0.0.1".to_owned());
    if !reaches(&host, 1883) {
        err("Error: Connection refused");
        return 1;
    }
    let (user, password) = (line.option(&["-u"]).unwrap_or_default(), mqtt_password(name, &line));
    if !passwords::let_in("mosquitto", 1883, &user, &password) {
        err("Connection error: Connection Refused: not authorised.");
        return 5;
    }
    if name == "mosquitto_sub" {
        out("mosquitto version 2.0.11\n");
    }
    0
}

/// From the command line, or from the file of options in `$XDG_CONFIG_HOME`.
fn mqtt_password(name: &str, line: &Line<'_>) -> String {
    let kept = std::env::var_os("XDG_CONFIG_HOME").map(|folder| Path::new(&folder).join(name));
    let kept = kept.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let from_file = || kept.lines().find_map(|option| option.strip_prefix("-P ")).map(str::to_owned);
    line.option(&["-P"]).or_else(from_file).unwrap_or_default()
}

/// Programs that only look at a file: it must be there.
fn checked(name: &str, args: &[String]) -> i32 {
    let missing = args.iter().find(|word| word.starts_with('/') && !Path::new(word).exists());
    if let Some(path) = missing {
        err(format!("{name}: {path}: No such file or directory"));
        return 1;
    }
    out(format!("{name}: OK\n"));
    0
}

fn smb(args: &[String]) -> i32 {
    if !reaches("127.0.0.1", 445) {
        err("do_connect: Connection to 127.0.0.1 failed (Error NT_STATUS_CONNECTION_REFUSED)");
        return 1;
    }
    let user = Line { args }.option(&["-U"]).unwrap_or_default();
    let (user, password) = match user.split_once('%') {
        Some((user, password)) => (user.to_owned(), password.to_owned()),
        None => (user, std::env::var("PASSWD").unwrap_or_default()),
    };
    if !passwords::let_in("smbd", 445, &user, &password) {
        err("session setup failed: NT_STATUS_LOGON_FAILURE");
        return 1;
    }
    out("  .                                   D        0  Sat Jan  1 00:00:00 2028\n");
    0
}

/// `smbpasswd -s -a USER`: the password on standard input, twice.
fn smbpasswd(args: &[String]) -> i32 {
    let (text, user) = (input(), Line { args }.last());
    let mut lines = text.lines();
    let password = lines.next().unwrap_or_default();
    if password.is_empty() || lines.next() != Some(password) {
        err("Mismatch - password unchanged.");
        return 1;
    }
    match passwords::set("smbd", user, password) {
        Ok(()) => {
            out(format!("Added user {user}.\n"));
            0
        }
        Err(error) => {
            err(format!("smbpasswd: {error}"));
            1
        }
    }
}

/// `htpasswd -niB USER`: the password on standard input.
fn htpasswd(args: &[String]) -> i32 {
    out(format!("{}:{{PLAIN}}{}\n\n", Line { args }.last(), input().trim_end()));
    0
}

fn keyscan(args: &[String]) -> i32 {
    let host = Line { args }.last();
    if !reaches(host, 22) {
        return 1;
    }
    out(format!("{host} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfkNV4OS33ImTXvorZr72q4v5XhVEQKfvqsxOEJ/XaR\n"));
    0
}

/// `dig +short NAME @HOST`: what dnsmasq's own list of hosts says.
fn dig(args: &[String]) -> i32 {
    let named = args.iter().find_map(|word| word.strip_prefix('@')).unwrap_or("127.0.0.1");
    if !reaches(named, 53) {
        err(";; communications error: connection refused");
        return 9;
    }
    let asked = args.iter().find(|word| !word.starts_with(['@', '+', '-'])).map_or("", String::as_str);
    let hosts = ["/etc/hosts", "/etc/dnsmasq.hosts"].map(|path| fs::read_to_string(path).unwrap_or_default());
    for line in hosts.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let address = words.next().unwrap_or_default();
        // A question without a type is for IPv4.
        if !address.contains(':') && words.any(|name| name == asked) {
            out(format!("{address}\n"));
        }
    }
    0
}

/// `syncthing generate --gui-user=USER --gui-password=PASSWORD`, where `-` stands for standard input.
fn generate(args: &[String]) -> i32 {
    let line = Line { args };
    let user = line.option(&["--gui-user"]).unwrap_or_default();
    let password = line.option(&["--gui-password"]).unwrap_or_default();
    let password = if password == "-" { input().trim_end().to_owned() } else { password };
    let path = Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(passwords::SYNCTHING);
    let made = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&path, format!("{user}:{password}\n")));
    match made {
        Ok(()) => {
            out("INFO: generated a new configuration\n");
            0
        }
        Err(error) => {
            err(format!("syncthing: {error}"));
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_tells_whose_password_is_new() {
        assert_eq!(new_password("ALTER ROLE app PASSWORD 'x1';"), Some(("app", "x1")));
        assert_eq!(new_password("ALTER USER 'app'@'%' IDENTIFIED BY 'x1';"), Some(("app", "x1")));
        assert_eq!(new_password("GRANT ALL ON app.* TO 'app'@'%';"), None);
    }

    #[test]
    fn options_are_found_in_any_form() {
        let args = ["-qtAXw", "-h", "127.0.0.1", "--gui-user=admin", "-U", "app"].map(str::to_owned);
        let line = Line { args: &args };
        assert_eq!(line.option(&["-h"]).as_deref(), Some("127.0.0.1"));
        assert_eq!(line.option(&["--gui-user"]).as_deref(), Some("admin"));
        assert_eq!(line.option(&["-U"]).as_deref(), Some("app"));
        assert_eq!(line.option(&["-c"]), None);
    }
}
