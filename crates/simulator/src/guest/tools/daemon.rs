//! A program that a package brought and the machine has not: as a daemon it really listens on its ports.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use data_encoding::BASE64;

use super::{err, out};
use crate::guest::catalogue::{Listen, listens, packages};

/// Prometheus' answer to `up`.
const UP: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1700000000,"1"]}]}}"#;
const IDLE: Duration = Duration::from_hours(1);

/// Any program of the catalogue.
pub(super) fn main(name: &str, args: &[String]) -> i32 {
    // `ps` and `ss` show the program's own name.
    let _ = fs::write("/proc/self/comm", name);
    let version = args.iter().any(|arg| matches!(arg.as_str(), "-v" | "-V" | "--version" | "version"));
    let ports = listens(name);
    if version || (ports.is_none() && !is_resident(name)) {
        return describe(name, version);
    }
    if name == "nginx" && args.iter().any(|arg| arg == "-t" || arg == "-s") {
        if args.iter().any(|arg| arg == "-t") {
            err(
                "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful",
            );
        }
        return 0;
    }
    let mut listen = ports.unwrap_or_default().to_vec();
    configured_ports(name, args, &mut listen);
    if !listen.is_empty() && name != "sshd" {
        out(format!("{name} started\n"));
    }
    for port in &listen {
        if let Err(error) = serve(name, port) {
            err(format!("{name}: bind() to port {} failed: {error}", port.port));
            return 1;
        }
    }
    loop {
        std::thread::sleep(IDLE);
    }
}

fn is_resident(name: &str) -> bool {
    name.starts_with("systemd-")
        || matches!(name, "agetty" | "dbus-daemon" | "unattended-upgrade-shutdown" | "docker-proxy")
}

fn describe(name: &str, version: bool) -> i32 {
    let owner = packages()
        .iter()
        .find(|package| package.programs.iter().any(|path| path.ends_with(&format!("/{name}"))));
    let Some(package) = owner else {
        err(format!("{name}: not available in this container"));
        return 127;
    };
    let upstream = package.version.split(['-', '+', '~']).next().unwrap_or_default();
    let upstream = upstream.split_once(':').map_or(upstream, |(_, rest)| rest);
    if version {
        let line = if name == "nginx" {
            format!("nginx version: nginx/{upstream}")
        } else {
            format!("{name} {upstream}")
        };
        if name == "nginx" {
            err(line);
        } else {
            out(format!("{line}\n"));
        }
        return 0;
    }
    err(format!("{name}: this program is not on the machine the container runs on"));
    1
}

/// Ports that configuration files and arguments of common servers say.
fn configured_ports(name: &str, args: &[String], listen: &mut Vec<Listen>) {
    let mut found: Vec<u16> = Vec::new();
    match name {
        "nginx" => {
            for directory in ["/etc/nginx/conf.d", "/etc/nginx/sites-enabled"] {
                for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                    let text = fs::read_to_string(entry.path()).unwrap_or_default();
                    let lines = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("listen "));
                    found.extend(
                        lines.filter_map(|rest| {
                            port_in(rest.trim_end_matches(';').split_whitespace().next()?)
                        }),
                    );
                }
            }
        }
        "caddy" => {
            let text = fs::read_to_string("/etc/caddy/Caddyfile").unwrap_or_default();
            let sites = text
                .lines()
                .filter(|line| !line.starts_with([' ', '\t', '#', '{', '}']))
                .filter_map(|line| line.split_whitespace().next());
            found.extend(sites.filter_map(port_in));
        }
        "docker-proxy" => {
            let port =
                args.windows(2).find(|pair| pair[0] == "-host-port").and_then(|pair| pair[1].parse().ok());
            listen.extend(port.map(|port| Listen { port, kind: "http".to_owned() }));
        }
        "redis-server" | "valkey-server" => {
            let lines = super::passwords::redis_lines();
            found.extend(
                lines.iter().filter_map(|line| line.strip_prefix("port ")?.trim().parse::<u16>().ok()),
            );
        }
        "smbd" => found.extend(setting_in("/etc/samba", "smb ports").and_then(|ports| port_in(&ports))),
        _ => {}
    }
    if let Some(address) = args.iter().find_map(|word| word.strip_prefix("--web.listen-address=")) {
        if address.starts_with("127.") {
            for port in &mut *listen {
                "tcp-local".clone_into(&mut port.kind);
            }
        }
    } else if opened(name) {
        for port in &mut *listen {
            "tcp".clone_into(&mut port.kind);
        }
    }
    found.sort_unstable();
    found.dedup();
    if let Some(kind) = listen.first().map(|listen| listen.kind.clone()).filter(|_| !found.is_empty()) {
        *listen = found.into_iter().map(|port| Listen { port, kind: kind.clone() }).collect();
    }
}

/// Daemons that listen on this machine alone until their configuration says otherwise.
fn opened(name: &str) -> bool {
    match name {
        "redis-server" => super::passwords::redis_lines().iter().any(|line| line.starts_with("bind *")),
        "postgres" => {
            setting_in("/etc/postgresql/15/main/conf.d", "listen_addresses").is_some_and(|to| to == "'*'")
        }
        "mariadbd" => setting_in("/etc/mysql/mariadb.conf.d", "bind-address").is_some_and(|to| to == "*"),
        "mosquitto" => setting_in("/etc/mosquitto/conf.d", "listener").is_some(),
        _ => false,
    }
}

/// The last value of a setting in the files of a directory, as `key = value` or `key value`.
fn setting_in(directory: &str, key: &str) -> Option<String> {
    let entries = fs::read_dir(directory).ok()?.flatten();
    let texts = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let value = |line: &str| {
        let rest = line.trim().strip_prefix(key)?;
        rest.starts_with([' ', '=']).then(|| rest.trim_start_matches([' ', '=']).trim().to_owned())
    };
    texts.filter_map(|text| text.lines().filter_map(value).next_back()).last()
}

fn port_in(word: &str) -> Option<u16> {
    word.rsplit(':').next()?.parse().ok()
}

fn serve(name: &str, listen: &Listen) -> io::Result<()> {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, listen.port));
    match listen.kind.as_str() {
        "udp" => {
            let socket = UdpSocket::bind(any).or_else(|_| UdpSocket::bind(("0.0.0.0", listen.port)))?;
            std::thread::spawn(move || {
                loop {
                    let mut datagram = [0; 2048];
                    if socket.recv(&mut datagram).is_err() {
                        std::thread::sleep(IDLE);
                    }
                }
            });
        }
        kind => {
            let address =
                if kind == "tcp-local" { SocketAddr::from(([127, 0, 0, 1], listen.port)) } else { any };
            let listener =
                TcpListener::bind(address).or_else(|_| TcpListener::bind(("0.0.0.0", listen.port)))?;
            let (http, name) = (kind == "http", name.to_owned());
            std::thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    let name = name.clone();
                    std::thread::spawn(move || if http { answer(&name, client) } else { hold(client) });
                }
            });
        }
    }
    Ok(())
}

/// Reads until the peer goes.
fn hold(mut client: TcpStream) -> io::Result<()> {
    io::copy(&mut Read::by_ref(&mut client), &mut io::sink()).map(|_| ())
}

fn answer(name: &str, mut client: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let (mut header, mut login) = (String::new(), (String::new(), String::new()));
    while reader.read_line(&mut header)? > 2 {
        login = basic(&header).unwrap_or(login);
        header.clear();
    }
    let path = request.split_whitespace().nth(1).unwrap_or("/").split('?').next().unwrap_or("/");
    let port = client.local_addr()?.port();
    let (status, body) = if super::passwords::let_in(name, port, &login.0, &login.1) {
        page(name, port, path)
    } else {
        ("401 Unauthorized", b"<html><h1>401 Unauthorized</h1></html>\n".to_vec())
    };
    let log = format!("{} \"{}\" {status}\n", client.peer_addr()?.ip(), request.trim());
    // An access log that cannot be written does not stop a server.
    if let Ok(mut file) =
        fs::OpenOptions::new().append(true).create(true).open(format!("/var/log/{name}/access.log"))
    {
        let _ = file.write_all(log.as_bytes());
    }
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: {name}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes())?;
    if !request.starts_with("HEAD") {
        client.write_all(&body)?;
    }
    Ok(())
}

/// User and password of a header `Authorization: Basic …`.
fn basic(header: &str) -> Option<(String, String)> {
    let (name, value) = header.split_once(':')?;
    let coded = value.trim().strip_prefix("Basic ").filter(|_| name.eq_ignore_ascii_case("authorization"))?;
    let plain = String::from_utf8(BASE64.decode(coded.as_bytes()).ok()?).ok()?;
    plain.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn page(name: &str, port: u16, path: &str) -> (&'static str, Vec<u8>) {
    match (name, path) {
        ("nginx", "/status") if port != 80 => return ("200 OK", b"Active connections: 1\n".to_vec()),
        ("prometheus", "/api/v1/query") => return ("200 OK", UP.as_bytes().to_vec()),
        _ => {}
    }
    let root = match name {
        "caddy" if setting_in("/etc/caddy", "root *").is_some() => {
            setting_in("/etc/caddy", "root *").unwrap_or_default()
        }
        "nginx" | "apache2" => document_root().unwrap_or_else(|| "/var/www/html".to_owned()),
        "caddy" => "/usr/share/caddy".to_owned(),
        _ => {
            return ("200 OK", format!("<!DOCTYPE html><title>{name}</title><h1>{name}</h1>\n").into_bytes());
        }
    };
    let clean: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != "..").collect();
    let target = Path::new(&root).join(clean.join("/"));
    let candidates = [
        target.clone(),
        target.join("index.html"),
        target.join("index.htm"),
        target.join("index.nginx-debian.html"),
    ];
    match candidates.iter().find(|path| path.is_file()).and_then(|path| fs::read(path).ok()) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", b"<html><h1>404 Not Found</h1></html>\n".to_vec()),
    }
}

fn document_root() -> Option<String> {
    let mut files: Vec<_> = ["/etc/nginx/conf.d", "/etc/nginx/sites-enabled"]
        .iter()
        .flat_map(|directory| {
            fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
        })
        .collect();
    files.sort();
    files.iter().find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        text.lines().find_map(|line| {
            line.trim().strip_prefix("root ").map(|rest| rest.trim_end_matches(';').trim().to_owned())
        })
    })
}
