//! `systemctl` and `service`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::manager::{ask, full_name, list, show};
use super::{err, out, value_of};
use crate::guest::init::{Request, Response, UnitFile, UnitInfo, find_unit};

/// What stands on the command line.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // one per switch
struct Options {
    words: Vec<String>,
    json: bool,
    plain: bool,
    legend: bool,
    all: bool,
    quiet: bool,
    now: bool,
    wait: bool,
    value: bool,
    failed: bool,
    kinds: Vec<String>,
    states: Vec<String>,
    properties: Vec<String>,
    signal: i32,
}

fn parse(args: &[String]) -> Options {
    let mut options = Options { legend: true, signal: 15, ..Options::default() };
    let comma = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut index = 0;
    while index < args.len() {
        match args[index].as_str() {
            "--no-legend" | "--legend=false" => options.legend = false,
            "--plain" => options.plain = true,
            "--all" | "-a" => options.all = true,
            "--quiet" | "-q" => options.quiet = true,
            "--now" => options.now = true,
            "--wait" => options.wait = true,
            "--value" => options.value = true,
            "--failed" => options.failed = true,
            _ => {
                if let Some(text) = value_of(args, &mut index, &["--type", "-t"]) {
                    options.kinds = comma(text);
                } else if let Some(text) = value_of(args, &mut index, &["--state"]) {
                    options.states = comma(text);
                } else if let Some(text) = value_of(args, &mut index, &["--property", "-p"]) {
                    options.properties.extend(comma(text));
                } else if let Some(text) = value_of(args, &mut index, &["--output", "-o"]) {
                    options.json = text.starts_with("json");
                } else if let Some(text) = value_of(args, &mut index, &["--signal", "-s"]) {
                    options.signal = signal(&text);
                } else if let Some(text) = value_of(args, &mut index, &["--lines", "-n"]) {
                    drop(text);
                } else if !args[index].starts_with('-') {
                    options.words.push(args[index].clone());
                }
            }
        }
        index += 1;
    }
    options
}

fn signal(text: &str) -> i32 {
    let name = format!("SIG{}", text.trim_start_matches("SIG"));
    text.parse()
        .ok()
        .or_else(|| name.parse::<nix::sys::signal::Signal>().ok().map(|found| found as i32))
        .unwrap_or(15)
}

/// `systemctl …`
pub(super) fn main(args: &[String]) -> i32 {
    let options = parse(args);
    let verb = options.words.first().cloned().unwrap_or_else(|| "list-units".to_owned());
    let units: Vec<String> = options.words.iter().skip(1).map(|name| full_name(name)).collect();
    match verb.as_str() {
        "list-units" => list_units(&options, &units),
        "list-unit-files" => list_files(&options),
        "start" | "stop" | "restart" | "try-restart" | "reload" | "reload-or-restart" | "kill" => {
            act(&verb, &units, options.signal)
        }
        "enable" | "disable" | "reenable" | "mask" | "unmask" => enable(&verb, &units, options.now),
        "is-active" | "is-failed" => is_state(&verb, &units, options.quiet),
        "is-enabled" => is_enabled(&units, options.quiet),
        "is-system-running" => system_state(&options),
        "status" => status(&units),
        "show" => properties(&options, &options.words[1..]),
        "cat" => cat(&units),
        "reset-failed" => {
            ask(&Request::ResetFailed(units.first().cloned()));
            0
        }
        "daemon-reload" | "daemon-reexec" | "preset" | "set-default" | "import-environment" => 0,
        "get-default" => {
            out("multi-user.target\n");
            0
        }
        "poweroff" | "halt" | "reboot" => {
            err("Call to Reboot failed: Access denied");
            1
        }
        other => {
            err(format!("Unknown command verb '{other}'."));
            1
        }
    }
}

/// `service NAME ACTION`
pub(super) fn service(args: &[String]) -> i32 {
    match args {
        [name, action] if action == "status" => status(&[full_name(name)]),
        [name, action] => act(action, &[full_name(name)], 15),
        _ => {
            err("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]");
            1
        }
    }
}

fn act(verb: &str, units: &[String], signal: i32) -> i32 {
    let mut code = 0;
    for unit in units {
        let active = || show(std::slice::from_ref(unit)).first().is_some_and(|info| info.active == "active");
        let request = match verb {
            "start" => Request::Start(unit.clone()),
            "stop" => Request::Stop(unit.clone()),
            "reload" => Request::Reload(unit.clone()),
            "kill" => Request::Kill { unit: unit.clone(), signal },
            "try-restart" if !active() => continue,
            _ => Request::Restart(unit.clone()),
        };
        if let Response::Refused { text, code: refused } = ask(&request) {
            let missing = text.ends_with("not found.") || text.ends_with("not loaded.");
            err(if missing { format!("Failed to {verb} {unit}: {text}") } else { text });
            code = refused;
        }
    }
    code
}

fn wanted(file: &UnitFile) -> Vec<String> {
    file.all("WantedBy").iter().flat_map(|targets| targets.split_whitespace()).map(str::to_owned).collect()
}

fn enable(verb: &str, units: &[String], now: bool) -> i32 {
    for unit in units {
        let Some(file) = UnitFile::load(unit) else {
            err(format!("Failed to {verb} unit: Unit file {unit} does not exist."));
            return 1;
        };
        let targets = wanted(&file);
        if targets.is_empty() && verb == "enable" {
            err(
                "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,\nAlias= settings in the [Install] section, and DefaultInstance= for template\nunits). This means they are not meant to be enabled or disabled using systemctl.",
            );
        }
        for target in targets {
            let directory = format!("/etc/systemd/system/{target}.wants");
            let link = format!("{directory}/{unit}");
            if verb == "disable" || verb == "mask" {
                if fs::remove_file(&link).is_ok() {
                    err(format!("Removed \"{link}\"."));
                }
                continue;
            }
            if Path::new(&link).symlink_metadata().is_err() {
                let made = fs::create_dir_all(&directory).and_then(|()| symlink(&file.path, &link));
                if let Err(error) = made {
                    err(format!("Failed to enable unit: {error}"));
                    return 1;
                }
                err(format!("Created symlink {link} → {}.", file.path.display()));
            }
        }
    }
    if now { act(if verb == "enable" { "start" } else { "stop" }, units, 15) } else { 0 }
}

fn is_state(verb: &str, units: &[String], quiet: bool) -> i32 {
    let infos = show(units);
    if !quiet {
        for info in &infos {
            out(format!("{}\n", info.active));
        }
    }
    let wanted = if verb == "is-failed" { "failed" } else { "active" };
    let found = infos.iter().any(|info| info.active == wanted);
    if found {
        return 0;
    }
    if verb == "is-failed" { 1 } else { 3 }
}

fn enabled_state(unit: &str) -> Option<&'static str> {
    let file = UnitFile::load(unit)?;
    let targets = wanted(&file);
    let linked = |target: &str| {
        Path::new(&format!("/etc/systemd/system/{target}.wants/{unit}")).symlink_metadata().is_ok()
    };
    if file.path.starts_with("/run") {
        Some("transient")
    } else if linked("multi-user.target") || targets.iter().any(|target| linked(target)) {
        Some("enabled")
    } else if targets.is_empty() {
        Some("static")
    } else {
        Some("disabled")
    }
}

fn is_enabled(units: &[String], quiet: bool) -> i32 {
    let mut code = 1;
    for unit in units {
        match enabled_state(unit) {
            Some(state) => {
                if !quiet {
                    out(format!("{state}\n"));
                }
                if state != "disabled" {
                    code = 0;
                }
            }
            None => err(format!("Failed to get unit file state for {unit}: No such file or directory")),
        }
    }
    code
}

fn system_state(options: &Options) -> i32 {
    if let Response::State(state) = ask(&Request::State { wait: options.wait }) {
        if !options.quiet {
            out(format!("{state}\n"));
        }
        i32::from(state != "running")
    } else {
        out("offline\n");
        1
    }
}

fn matches(info: &UnitInfo, options: &Options, patterns: &[String]) -> bool {
    let kind = info.name.rsplit('.').next().unwrap_or_default();
    let states = [&info.load, &info.active, &info.sub];
    let by_state = options.states.is_empty() || options.states.iter().any(|state| states.contains(&state));
    let by_name = patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, &info.name));
    let shown = options.all || !options.states.is_empty() || info.active != "inactive";
    (options.kinds.is_empty() || options.kinds.iter().any(|wanted| wanted == kind))
        && by_state
        && by_name
        && shown
        && (!options.failed || info.active == "failed")
}

/// Shell patterns with `*` and `?`.
fn glob(pattern: &str, text: &str) -> bool {
    let escaped = regex::escape(pattern).replace("\\*", ".*").replace("\\?", ".");
    regex::Regex::new(&format!("^{escaped}$")).is_ok_and(|regex| regex.is_match(text))
}

fn list_units(options: &Options, patterns: &[String]) -> i32 {
    let raw: Vec<String> = options.words.iter().skip(1).cloned().collect();
    let patterns = if raw.iter().any(|word| word.contains('*')) { &raw } else { patterns };
    let units: Vec<UnitInfo> = list().into_iter().filter(|info| matches(info, options, patterns)).collect();
    if options.json {
        let rows: Vec<String> = units
            .iter()
            .map(|info| {
                let text = |value: &str| serde_json::Value::from(value).to_string();
                format!(
                    "{{\"unit\":{},\"load\":{},\"active\":{},\"sub\":{},\"description\":{}}}",
                    text(&info.name),
                    text(&info.load),
                    text(&info.active),
                    text(&info.sub),
                    text(&info.description)
                )
            })
            .collect();
        out(format!("[{}]\n", rows.join(",")));
        return 0;
    }
    let width = |field: fn(&UnitInfo) -> &str| {
        units.iter().map(|info| field(info).chars().count()).max().unwrap_or(0)
    };
    let (name, load) = (width(|info| &info.name), width(|info| &info.load));
    let (active, sub) = (width(|info| &info.active), width(|info| &info.sub));
    let mark = if options.plain { "" } else { "  " };
    if options.legend && !units.is_empty() {
        let (name, load, active, sub) = (name.max(4), load.max(4), active.max(6), sub.max(3));
        out(format!(
            "{mark}{:name$} {:load$} {:active$} {:sub$} DESCRIPTION\n",
            "UNIT", "LOAD", "ACTIVE", "SUB"
        ));
    }
    for info in &units {
        let mark = if options.plain {
            ""
        } else if info.active == "failed" {
            "● "
        } else {
            "  "
        };
        out(format!(
            "{mark}{:name$} {:load$} {:active$} {:sub$} {}\n",
            info.name, info.load, info.active, info.sub, info.description
        ));
    }
    if options.legend {
        out(format!("\n{} loaded units listed.\n", units.len()));
    }
    0
}

fn list_files(options: &Options) -> i32 {
    for info in list().iter().filter(|info| !info.fragment.is_empty()) {
        let kind = info.name.rsplit('.').next().unwrap_or_default();
        if options.kinds.is_empty() || options.kinds.iter().any(|wanted| wanted == kind) {
            out(format!("{:40} {:10} enabled\n", info.name, enabled_state(&info.name).unwrap_or("static")));
        }
    }
    0
}

fn status(units: &[String]) -> i32 {
    let mut code = 0;
    for info in show(units) {
        if info.load == "not-found" {
            err(format!("Unit {} could not be found.", info.name));
            code = 4;
            continue;
        }
        let mark = match info.active.as_str() {
            "active" => "●",
            "failed" => "×",
            _ => "○",
        };
        let state = enabled_state(&info.name).unwrap_or("static");
        out(format!(
            "{mark} {} - {}\n     Loaded: loaded ({}; {state}; preset: enabled)\n",
            info.name, info.description, info.fragment
        ));
        out(format!(
            "     Active: {} ({}) since {}\n",
            info.active,
            info.sub,
            super::journalctl::stamp(info.started_ms)
        ));
        if info.main_pid > 0 {
            out(format!("   Main PID: {}\n", info.main_pid));
        }
        out("\n");
        super::journalctl::tail(&info.name, 10);
        if info.active != "active" {
            code = 3;
        }
    }
    code
}

fn properties(options: &Options, words: &[String]) -> i32 {
    let patterns: Vec<String> = words.to_vec();
    let is_pattern = patterns.iter().any(|word| word.contains('*'));
    let all = Options { all: true, ..Options::default() };
    let units: Vec<UnitInfo> = if is_pattern {
        let filter = if options.states.is_empty() { &all } else { options };
        list().into_iter().filter(|info| matches(info, filter, &patterns)).collect()
    } else {
        show(&patterns.iter().map(|name| full_name(name)).collect::<Vec<_>>())
    };
    for (index, info) in units.iter().enumerate() {
        if index > 0 {
            out("\n");
        }
        for (key, value) in fields(info).iter().filter(|(key, _)| {
            options.properties.is_empty() || options.properties.iter().any(|wanted| wanted == key)
        }) {
            out(if options.value { format!("{value}\n") } else { format!("{key}={value}\n") });
        }
    }
    0
}

fn fields(info: &UnitInfo) -> Vec<(&'static str, String)> {
    let group = match info.name.split_once('@') {
        Some((stem, _)) => {
            format!("/system.slice/system-{}.slice/{}", stem.replace('-', "\\x2d"), info.name)
        }
        None => format!("/system.slice/{}", info.name),
    };
    let started =
        if info.started_ms == 0 { String::new() } else { super::journalctl::stamp(info.started_ms) };
    let running = info.main_pid > 0;
    vec![
        ("Type", info.kind.clone()),
        ("MainPID", info.main_pid.to_string()),
        ("NRestarts", info.restarts.to_string()),
        ("Result", if info.result.is_empty() { "success".to_owned() } else { info.result.clone() }),
        ("ExecMainStartTimestamp", started.clone()),
        ("ExecMainStatus", info.exit_code.to_string()),
        ("ExecMainCode", i32::from(!running && info.started_ms > 0).to_string()),
        ("ControlGroup", if running { group } else { String::new() }),
        ("Id", info.name.clone()),
        ("Names", info.name.clone()),
        ("Description", info.description.clone()),
        ("LoadState", info.load.clone()),
        ("ActiveState", info.active.clone()),
        ("FragmentPath", info.fragment.clone()),
        ("UnitFileState", enabled_state(&info.name).unwrap_or_default().to_owned()),
        ("SubState", info.sub.clone()),
        ("ActiveEnterTimestamp", if info.active == "active" { started } else { String::new() }),
        ("InvocationID", info.invocation.clone()),
    ]
}

fn cat(units: &[String]) -> i32 {
    for unit in units {
        let Some(path) = find_unit(unit) else {
            err(format!("No files found for {unit}."));
            return 1;
        };
        out(format!("# {}\n{}", path.display(), fs::read_to_string(&path).unwrap_or_default()));
    }
    0
}
