//! `docker`: containers are units whose published ports really listen; nothing is pulled or isolated.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use super::manager::{ask, show};
use super::{err, journalctl, out, value_of};
use crate::clock;
use crate::guest::init::{Entry, JOURNAL_PATH, Request, Response};

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(100);
const STATE: &str = "/var/lib/docker/containers.json";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Container {
    id: String,
    name: String,
    image: String,
    /// Host port to inner port.
    ports: Vec<(u16, u16)>,
    created_ms: i64,
    restart: bool,
    project: String,
    /// What is run instead of listening, where something was given.
    #[serde(default)]
    command: Vec<String>,
}

fn load() -> BTreeMap<String, Container> {
    fs::read(STATE).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn save(all: &BTreeMap<String, Container>) {
    if let Err(error) = serde_json::to_vec(all).map_err(Into::into).and_then(|text| fs::write(STATE, text)) {
        err(format!("docker: {error}"));
    }
}

impl Container {
    fn unit(&self) -> String {
        format!("docker-{}.service", self.id)
    }

    fn is_up(&self) -> bool {
        show(&[self.unit()]).first().is_some_and(|info| info.active == "active")
    }

    fn start(&self) -> Result<(), String> {
        let mut argv = vec!["/usr/bin/docker-proxy".to_owned()];
        if !self.command.is_empty() {
            argv.clone_from(&self.command);
        }
        for (outer, inner) in self.ports.iter().filter(|_| self.command.is_empty()) {
            argv.extend([
                "-host-port".to_owned(),
                outer.to_string(),
                "-container-port".to_owned(),
                inner.to_string(),
            ]);
        }
        let properties = vec![("CollectMode".to_owned(), "inactive-or-failed".to_owned())];
        // Only where no package brought it yet.
        let _ = std::os::unix::fs::symlink(crate::guest::sandbox::TOOL, "/usr/bin/docker-proxy");
        let description = format!("docker container {}", self.name);
        match ask(&Request::Run { unit: self.unit(), description, argv, properties, wait: false }) {
            Response::Refused { text, .. } => Err(text),
            _ => Ok(()),
        }
    }

    fn published(&self) -> String {
        let ports: Vec<String> =
            self.ports.iter().map(|(outer, inner)| format!("0.0.0.0:{outer}->{inner}/tcp")).collect();
        ports.join(", ")
    }
}

fn daemon_is_up() -> bool {
    show(&["docker.service".to_owned()]).first().is_some_and(|info| info.active == "active")
}

/// `docker VERB …` and `docker-compose VERB …`
pub(super) fn main(called: &str, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    if matches!(words.first(), Some(&"--version" | &"-v")) {
        out("Docker version 20.10.24+dfsg1, build 297e128\n");
        return 0;
    }
    if !daemon_is_up() {
        err(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        );
        return 1;
    }
    if called == "docker-compose" {
        return compose(args);
    }
    match words.split_first() {
        Some((&"compose", _)) => compose(&args[1..]),
        Some((&"run", _)) => run(&args[1..]),
        Some((&"ps", _)) => list(&args[1..]),
        Some((&"container", rest)) if rest.first() == Some(&"ls") => list(&args[2..]),
        Some((&"pull", rest)) => {
            out(format!("Status: Downloaded newer image for {0}\n{0}\n", rest.last().unwrap_or(&"")));
            0
        }
        Some((verb @ (&"stop" | &"start" | &"restart" | &"rm" | &"kill"), rest)) => act(verb, rest),
        Some((&"inspect", rest)) => inspect(rest),
        Some((&"logs", _)) => logs(&args[1..]),
        Some((&"images" | &"image", _)) => {
            out("REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
            0
        }
        Some((&"info" | &"version", _)) => {
            out("Server Version: 20.10.24+dfsg1\n");
            0
        }
        // What is imported is taken to its end, so that whoever sends it is not cut off.
        Some((&"import", _)) => {
            i32::from(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).is_err())
        }
        Some((&"network" | &"volume" | &"system" | &"rmi", _)) => 0,
        other => {
            err(format!(
                "docker: '{}' is not a docker command.\nSee 'docker --help'",
                other.map_or(&"", |(verb, _)| verb)
            ));
            1
        }
    }
}

fn find(name: &str) -> Option<Container> {
    load()
        .into_values()
        .find(|container| container.name == name || (name.len() >= 3 && container.id.starts_with(name)))
}

fn missing(name: &str) -> i32 {
    err(format!("Error: No such container: {name}"));
    1
}

/// `8080:80`, `127.0.0.1:8080:80/tcp`
fn ports(text: &str) -> Option<(u16, u16)> {
    let text = text.split('/').next()?.trim_matches(['"', '\'']);
    let mut parts = text.rsplit(':');
    let inner = parts.next()?.parse().ok()?;
    Some((parts.next().and_then(|outer| outer.parse().ok()).unwrap_or(inner), inner))
}

fn run(args: &[String]) -> i32 {
    let mut container = Container {
        created_ms: clock::now_ms(),
        id: uuid::Uuid::new_v4().simple().to_string(),
        ..Container::default()
    };
    let mut index = 0;
    while index < args.len() && args[index].starts_with('-') {
        if let Some(name) = value_of(args, &mut index, &["--name"]) {
            container.name = name;
        } else if let Some(text) = value_of(args, &mut index, &["--publish", "-p"]) {
            container.ports.extend(ports(&text));
        } else if let Some(policy) = value_of(args, &mut index, &["--restart"]) {
            container.restart = policy != "no";
        } else {
            let valued = [
                "-v",
                "--volume",
                "-e",
                "--env",
                "--network",
                "--net",
                "-u",
                "--user",
                "-w",
                "--hostname",
                "-h",
                "--label",
                "-l",
                "--env-file",
            ];
            let _ = value_of(args, &mut index, &valued);
        }
        index += 1;
    }
    let ends = args[..index].iter().any(|arg| arg == "--rm")
        && !args[..index].iter().any(|arg| arg == "-d" || arg == "--detach");
    let Some(image) = args.get(index) else {
        err("\"docker run\" requires at least 1 argument.\nSee 'docker run --help'.");
        return 125;
    };
    container.image.clone_from(image);
    if image.starts_with("hello-world") {
        out(
            "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n\n",
        );
        return 0;
    }
    container.command = args[index + 1..].to_vec();
    // One in the foreground that nobody keeps has come to its end.
    if ends && container.ports.is_empty() { 0 } else { create(container) }
}

fn create(mut container: Container) -> i32 {
    if container.name.is_empty() {
        container.name = format!("berth_{}", &container.id[..8]);
    }
    if find(&container.name).is_some() {
        err(format!(
            "docker: Error response from daemon: Conflict. The container name \"/{}\" is already in use.",
            container.name
        ));
        return 125;
    }
    if let Err(text) = container.start() {
        err(format!("docker: Error response from daemon: {text}"));
        return 125;
    }
    out(format!("{}\n", container.id));
    let mut all = load();
    all.insert(container.id.clone(), container);
    save(&all);
    0
}

fn act(verb: &str, args: &[&str]) -> i32 {
    for name in args.iter().filter(|name| !name.starts_with('-')) {
        let Some(container) = find(name) else { return missing(name) };
        if verb != "start" {
            ask(&Request::Stop(container.unit()));
        }
        if matches!(verb, "start" | "restart")
            && let Err(text) = container.start()
        {
            err(text);
            return 1;
        }
        if verb == "rm" {
            let mut all = load();
            all.remove(&container.id);
            save(&all);
        }
        out(format!("{name}\n"));
    }
    0
}

/// `docker logs [--follow] [--timestamps] [--tail N] [--since TIME] NAME`
fn logs(args: &[String]) -> i32 {
    let (mut follow, mut stamps, mut tail, mut since, mut index) = (false, false, None, None, 0);
    let mut name = "";
    while index < args.len() {
        match args[index].as_str() {
            "-f" | "--follow" => follow = true,
            "-t" | "--timestamps" => stamps = true,
            "--" => {}
            word if !word.starts_with('-') => name = word,
            _ => {
                if let Some(count) = value_of(args, &mut index, &["--tail", "-n"]) {
                    tail = count.parse::<usize>().ok();
                } else {
                    since = value_of(args, &mut index, &["--since"]).or(since);
                }
            }
        }
        index += 1;
    }
    let Some(found) = find(name) else { return missing(name) };
    let Ok(file) = fs::File::open(JOURNAL_PATH) else { return 0 };
    let (mut reader, unit) = (BufReader::new(file), found.unit());
    let fits = |entry: &Entry| {
        entry.unit == unit
            && entry.pid != 1
            && since.as_ref().is_none_or(|since| instant(entry.at).as_str() >= since.as_str())
    };
    let print = |entry: &Entry| {
        let stamp = if stamps { format!("{} ", instant(entry.at)) } else { String::new() };
        out(format!("{stamp}{}\n", entry.message));
    };
    let mut entries: Vec<Entry> =
        std::iter::from_fn(|| journalctl::next(&mut reader)).filter(|entry| fits(entry)).collect();
    let skip = tail.map_or(0, |tail| entries.len().saturating_sub(tail));
    entries.drain(..skip).for_each(drop);
    entries.iter().for_each(print);
    if !follow {
        return 0;
    }
    loop {
        match journalctl::next(&mut reader) {
            Some(entry) if fits(&entry) => print(&entry),
            Some(_) => {}
            None if !found.is_up() => return 0,
            None => std::thread::sleep(POLL),
        }
    }
}

/// `2026-11-21T01:22:37.123456000Z`
fn instant(micros: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");
    at.format(&format).unwrap_or_default()
}

fn inspect(args: &[&str]) -> i32 {
    let Some(name) = args.iter().rev().find(|name| !name.starts_with('-') && !name.starts_with('{')) else {
        return 1;
    };
    let Some(container) = find(name) else {
        out("[]\n");
        return missing(name);
    };
    let up = container.is_up();
    let document = serde_json::json!([{ "Id": container.id, "Name": format!("/{}", container.name),
        "State": {"Running": up, "Status": if up { "running" } else { "exited" }}, "Config": {"Image": container.image} }]);
    out(format!("{document}\n"));
    0
}

fn list(args: &[String]) -> i32 {
    let (mut format, mut all, mut quiet, mut index) = (None, false, false, 0);
    while index < args.len() {
        match args[index].as_str() {
            "-a" | "--all" | "-aq" => all = true,
            "-q" | "--quiet" => quiet = true,
            _ => format = value_of(args, &mut index, &["--format"]).or(format),
        }
        quiet |= args.get(index).is_some_and(|arg| arg == "-aq");
        index += 1;
    }
    if format.is_none() && !quiet {
        out("CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n");
    }
    for container in load().values() {
        let up = container.is_up();
        if !up && !all {
            continue;
        }
        let (id, state) = (&container.id[..12], if up { "running" } else { "exited" });
        let seconds = (clock::now_ms() - container.created_ms) / 1000;
        let status = if up { format!("Up {seconds} seconds") } else { "Exited (0)".to_owned() };
        let fields = [
            ("ID", id.to_owned()),
            ("Image", container.image.clone()),
            ("Names", container.name.clone()),
            ("Ports", if up { container.published() } else { String::new() }),
            ("State", state.to_owned()),
            ("Status", status.clone()),
        ];
        let line = match format.as_deref() {
            _ if quiet => id.to_owned(),
            Some("json" | "{{json .}}") => serde_json::Value::Object(
                fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone().into())).collect(),
            )
            .to_string(),
            Some(pattern) => fields
                .iter()
                .fold(pattern.trim_start_matches("table ").to_owned(), |line, (key, value)| {
                    line.replace(&format!("{{{{.{key}}}}}"), value)
                        .replace(&format!("{{{{ .{key} }}}}"), value)
                })
                .replace("\\t", "\t"),
            None => format!(
                "{id}   {}   \"…\"   {seconds} seconds ago   {status}   {}   {}",
                container.image,
                container.published(),
                container.name
            ),
        };
        out(format!("{line}\n"));
    }
    0
}

fn compose(args: &[String]) -> i32 {
    let mut file = None;
    let mut words = Vec::new();
    let mut index = 0;
    while index < args.len() {
        if let Some(path) = value_of(args, &mut index, &["-f", "--file"]) {
            file = Some(path);
        } else if !args[index].starts_with('-') {
            words.push(args[index].as_str());
        }
        index += 1;
    }
    let names = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
    let path = file.or_else(|| {
        names.iter().find(|name| fs::exists(name).unwrap_or(false)).map(|name| (*name).to_owned())
    });
    let Some(text) = path.and_then(|path| fs::read_to_string(path).ok()) else {
        err("no configuration file provided: not found");
        return 14;
    };
    let project = std::env::current_dir()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default();
    match words.first() {
        Some(&"up") => services(&text)
            .into_iter()
            .map(|(name, image, ports)| {
                let name = format!("{project}-{name}-1");
                if let Some(known) = find(&name) {
                    return if known.is_up() { 0 } else { i32::from(known.start().is_err()) };
                }
                let id = uuid::Uuid::new_v4().simple().to_string();
                create(Container {
                    id,
                    name,
                    image,
                    ports,
                    created_ms: clock::now_ms(),
                    restart: true,
                    project: project.clone(),
                    command: Vec::new(),
                })
            })
            .max()
            .unwrap_or(0),
        Some(&"down" | &"stop") => {
            for container in load().into_values().filter(|container| container.project == project) {
                act("rm", &[&container.name]);
            }
            0
        }
        Some(&"ps") => list(&[]),
        Some(&"pull" | &"build" | &"config" | &"logs") => 0,
        _ => {
            out("Docker Compose version v2\n");
            0
        }
    }
}

/// Name, image and ports of a service.
type Service = (String, String, Vec<(u16, u16)>);

/// The services of a compose file, by its indentation.
fn services(text: &str) -> Vec<Service> {
    let mut found: Vec<Service> = Vec::new();
    let (mut inside, mut level, mut in_ports) = (false, None, false);
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let word = line.trim();
        if indent == 0 {
            inside = word == "services:";
            continue;
        }
        if !inside {
            continue;
        }
        if indent <= *level.get_or_insert(indent) {
            found.push((word.trim_end_matches(':').to_owned(), String::new(), Vec::new()));
            in_ports = false;
        } else if let Some(service) = found.last_mut() {
            if let Some(image) = word.strip_prefix("image:") {
                image.trim().trim_matches(['"', '\'']).clone_into(&mut service.1);
            }
            if !word.starts_with('-') {
                in_ports = word == "ports:";
            } else if in_ports {
                service.2.extend(ports(word.trim_start_matches('-').trim()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::services;

    #[test]
    fn a_compose_file_names_services_and_ports() {
        let text = "services:\n  web:\n    image: nginx:1\n    ports:\n      - \"8080:80\"\n  db:\n    image: postgres\n";
        let expected = [
            ("web".to_owned(), "nginx:1".to_owned(), vec![(8080, 80)]),
            ("db".to_owned(), "postgres".to_owned(), vec![]),
        ];
        assert_eq!(services(text), expected);
    }
}
