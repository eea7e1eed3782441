//! Which subcommand does what, and how its command line is checked.

use std::ffi::OsString;
use std::fmt::Write as _;

use super::options::{Line, Takes, parse};
use super::protocol::Answer;
use super::{Failure, Session, USAGE, view};
use crate::api::schema;
use crate::state::{ApiError, Caller, Params};

/// A subcommand: name, positional parameters, the API method that knows its options.
const SUBCOMMANDS: [(&str, &[&str], &str, &str); 26] = [
    ("list", &[], "", ""),
    ("status", &["vmid"], "", ""),
    ("config", &["vmid"], "GET", "/nodes/{node}/lxc/{vmid}/config"),
    ("pending", &["vmid"], "GET", "/nodes/{node}/lxc/{vmid}/pending"),
    ("set", &["vmid"], "PUT", "/nodes/{node}/lxc/{vmid}/config"),
    ("start", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/status/start"),
    ("stop", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/status/stop"),
    ("shutdown", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/status/shutdown"),
    ("reboot", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/status/reboot"),
    ("suspend", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/status/suspend"),
    ("resume", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/status/resume"),
    ("create", &["vmid", "ostemplate"], "POST", "/nodes/{node}/lxc"),
    ("restore", &["vmid", "ostemplate"], "POST", "/nodes/{node}/lxc"),
    ("destroy", &["vmid"], "DELETE", "/nodes/{node}/lxc/{vmid}"),
    ("clone", &["vmid", "newid"], "POST", "/nodes/{node}/lxc/{vmid}/clone"),
    ("resize", &["vmid", "disk", "size"], "PUT", "/nodes/{node}/lxc/{vmid}/resize"),
    ("snapshot", &["vmid", "snapname"], "POST", "/nodes/{node}/lxc/{vmid}/snapshot"),
    ("delsnapshot", &["vmid", "snapname"], "DELETE", "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}"),
    ("listsnapshot", &["vmid"], "GET", "/nodes/{node}/lxc/{vmid}/snapshot"),
    ("template", &["vmid"], "POST", "/nodes/{node}/lxc/{vmid}/template"),
    ("df", &["vmid"], "", ""),
    ("unlock", &["vmid"], "", ""),
    ("exec", &["vmid"], "", ""),
    ("push", &["vmid", "file", "destination"], "", ""),
    ("pull", &["vmid", "path", "destination"], "", ""),
    ("cpusets", &[], "", ""),
];

fn usage_of(subcommand: &str) -> String {
    let wanted = format!("pct {subcommand} ");
    let line = USAGE.lines().map(str::trim_start).find(|line| line.starts_with(&wanted));
    format!("{}\n", line.unwrap_or(&wanted))
}

/// What an option of a subcommand takes, by the API method behind it.
fn takes(subcommand: &str, method: &str, pattern: &str, name: &str) -> Option<Takes> {
    match (subcommand, name) {
        ("exec", "keep-env") | ("status", "verbose") | ("start", "debug") => return Some(Takes::Boolean),
        ("push" | "pull", "perms" | "user" | "group") | ("status", "verbosity") => return Some(Takes::Value),
        _ => {}
    }
    if method.is_empty() || matches!(name, "node" | "vmid") {
        return None;
    }
    let kind = schema::type_of(method, pattern, name)?;
    Some(if kind == "boolean" { Takes::Boolean } else { Takes::Value })
}

impl Session<'_> {
    /// Runs one command line to its end.
    pub(super) fn run(&self, program: &str, argv: &[OsString]) {
        let result = match program {
            "pct" => self.pct(argv),
            "pveum" => self.pveum(argv),
            other => self.other(other, argv),
        };
        match result {
            Ok(()) => self.say(&Answer::Exit(0)),
            Err(failure) => {
                let end = if failure.text.ends_with('\n') { "" } else { "\n" };
                if !failure.text.is_empty() {
                    self.err(format!("{}{end}", failure.text));
                }
                self.say(&Answer::Exit(failure.code));
            }
        }
    }

    fn pct(&self, argv: &[OsString]) -> Result<(), Failure> {
        let subcommand = argv.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let vmid = words.get(1).and_then(|word| word.parse().ok());
        self.host.calls().pct(&subcommand, vmid, &words);
        if subcommand == "help" {
            self.out(USAGE);
            return Ok(());
        }
        if subcommand.is_empty() {
            return Err(Failure::new(format!("ERROR: no command specified\n{USAGE}")));
        }
        let Some((_, positional, method, pattern)) =
            SUBCOMMANDS.iter().find(|(name, ..)| *name == subcommand)
        else {
            return Err(Failure::new(format!("ERROR: unknown command 'pct {subcommand}'\n{USAGE}")));
        };
        let usage = || usage_of(&subcommand);
        let mut line = parse(&argv[1..], |name| takes(&subcommand, method, pattern, name))
            .map_err(|text| Failure::new(format!("{text}{}", usage())))?;
        Self::bind(&subcommand, &mut line, positional)?;
        self.read_keys(&mut line)?;
        let vmid = positional.first().map(|_| Self::vmid(&line, &usage())).transpose()?.unwrap_or(0);
        self.dispatch(&subcommand, vmid, &line, (method, pattern))
    }

    /// Moves the positional arguments to their names.
    fn bind(subcommand: &str, line: &mut Line, positional: &[&str]) -> Result<(), Failure> {
        if line.positional.len() < positional.len() {
            return Err(Failure::new(format!("400 not enough arguments\n{}", usage_of(subcommand))));
        }
        let rest = line.positional.split_off(positional.len());
        for (name, word) in positional.iter().zip(std::mem::replace(&mut line.positional, rest)) {
            line.options.insert((*name).to_owned(), word.to_string_lossy().into_owned());
        }
        if subcommand != "exec" && !line.positional.is_empty() {
            return Err(Failure::new(format!("400 too many arguments\n{}", usage_of(subcommand))));
        }
        Ok(())
    }

    fn vmid(line: &Line, usage: &str) -> Result<u32, Failure> {
        let text = line.options.get("vmid").map_or("", String::as_str);
        let wrong = |reason: String| {
            Failure::new(format!("400 Parameter verification failed.\nvmid: {reason}\n{usage}"))
        };
        let number: i64 = text
            .parse()
            .map_err(|_| wrong("invalid format - value does not look like a valid VM ID".to_owned()))?;
        let vmid = u32::try_from(number).ok().filter(|vmid| (100..=999_999_999).contains(vmid));
        vmid.ok_or_else(|| wrong("invalid format - value does not look like a valid VM ID".to_owned()))
    }

    fn verified(
        &self,
        subcommand: &str,
        vmid: u32,
        line: &Line,
        api: (&str, &str),
    ) -> Result<Params, Failure> {
        let mut params: Params = line.options.clone();
        params.insert("node".to_owned(), self.host.node().to_owned());
        params.insert("vmid".to_owned(), vmid.to_string());
        if subcommand == "restore" {
            params.insert("restore".to_owned(), "1".to_owned());
        }
        let mut params =
            schema::verify(api.0, api.1, &params).map_err(|error| verification(&error, subcommand))?;
        params.remove("node");
        params.remove("vmid");
        Ok(params)
    }

    fn dispatch(&self, subcommand: &str, vmid: u32, line: &Line, api: (&str, &str)) -> Result<(), Failure> {
        match subcommand {
            "list" => {
                self.list();
                Ok(())
            }
            "status" => self.status(vmid, line.options.get("verbose").is_some_and(|value| value == "1")),
            "config" => self.config(vmid),
            "pending" => self.pending(vmid),
            "df" => self.disk_free(vmid),
            "listsnapshot" => self.snapshots(vmid),
            "unlock" => Ok(self.host.unlock(vmid)?),
            "cpusets" => {
                self.out("");
                Ok(())
            }
            "exec" => self.exec(vmid, line),
            "push" | "pull" => self.copy(subcommand, vmid, line),
            "template" => {
                let _inside = self.runtime.enter();
                Ok(self.host.convert(&Caller::root(), vmid)?)
            }
            "set" => {
                let params = self.verified(subcommand, vmid, line, api)?;
                Ok(self.host.set_config(&Caller::root(), vmid, &params)?)
            }
            _ => {
                let params = self.verified(subcommand, vmid, line, api)?;
                if subcommand != "create"
                    && subcommand != "restore"
                    && !matches!(subcommand, "start" | "stop" | "shutdown" | "reboot")
                {
                    self.host.config(vmid)?;
                }
                self.lifecycle(subcommand, vmid, &params)
            }
        }
    }

    fn exec(&self, vmid: u32, line: &Line) -> Result<(), Failure> {
        self.host.config(vmid)?;
        if line.positional.is_empty() {
            return Err(Failure::new("missing command at /usr/share/perl5/PVE/CLI/pct.pm line 246."));
        }
        if !self.host.is_running(vmid) {
            return Err(Failure::new(format!("container '{vmid}' not running!")));
        }
        let keep_env = line.options.get("keep-env").is_none_or(|value| value == "1");
        self.say(&Answer::Attach { vmid, keep_env, argv: line.positional.clone() });
        Ok(())
    }

    fn copy(&self, subcommand: &str, vmid: u32, line: &Line) -> Result<(), Failure> {
        self.host.config(vmid)?;
        if !self.host.is_running(vmid) {
            let what = if subcommand == "push" { "push files to" } else { "pull files from" };
            return Err(Failure::new(format!("can only {what} a running CT")));
        }
        let option = |name: &str| line.options.get(name).cloned();
        let path = |name: &str| OsString::from(option(name).unwrap_or_default());
        let mode = option("perms").map(|text| view::permissions(&text)).transpose()?;
        let to = path("destination");
        self.say(&if subcommand == "push" {
            Answer::Push { vmid, from: path("file"), to, mode, user: option("user"), group: option("group") }
        } else {
            Answer::Pull { vmid, from: path("path"), to, mode }
        });
        Ok(())
    }
}

/// Wrong parameters are told one per line, with the usage of the subcommand.
fn verification(error: &ApiError, subcommand: &str) -> Failure {
    let mut text = format!("{} {}\n", error.status, error.message);
    for (name, reason) in &error.errors {
        let _ = writeln!(text, "{name}: {}", reason.trim_end());
    }
    Failure::new(format!("{text}{}", usage_of(subcommand)))
}
