//! Starting the processes of a unit: environment, user, working directory, and output into the journal.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::attach::resolve;
use super::files::lookup;
use super::manager::Manager;
use super::reaper::pid_of;
use super::unit_file::{UnitFile, words};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Lines are cut here, as journald does.
const MAX_LINE: usize = 48 * 1024;

/// A command line of a unit, taken apart.
pub(super) struct Step {
    pub(super) argv: Vec<String>,
    /// A leading `-`: failure does not matter.
    pub(super) lenient: bool,
    /// A leading `+` or `!`: not as the unit's user.
    pub(super) privileged: bool,
    /// A leading `@`: the second word is what the process is called.
    renamed: bool,
}

/// The environment of a unit's processes.
pub(super) fn environment(name: &str, file: &UnitFile, invocation: &str) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        ("PATH".to_owned(), PATH.to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("INVOCATION_ID".to_owned(), invocation.to_owned()),
    ]);
    if let Some(user) = file.last("User") {
        env.insert("USER".to_owned(), user.to_owned());
        env.insert("LOGNAME".to_owned(), user.to_owned());
        env.insert("HOME".to_owned(), home(user));
    }
    for path in file.all("EnvironmentFile") {
        let text = std::fs::read_to_string(path.trim_start_matches('-')).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        for (key, value) in lines.filter_map(|line| line.split_once('=')) {
            env.insert(key.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
    for line in file.all("Environment") {
        for word in words(line, name, &BTreeMap::new()) {
            if let Some((key, value)) = word.split_once('=') {
                env.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    env
}

fn home(user: &str) -> String {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = text.lines().find(|line| line.split(':').next() == Some(user));
    line.and_then(|line| line.split(':').nth(5)).unwrap_or("/").to_owned()
}

/// Reads the command lines of `key`.
pub(super) fn steps(name: &str, file: &UnitFile, key: &str, env: &BTreeMap<String, String>) -> Vec<Step> {
    let parse = |line: &String| {
        let marks = line.len() - line.trim_start_matches(['-', '@', '+', '!', ':']).len();
        let (marks, rest) = line.split_at(marks);
        Step {
            argv: words(rest, name, env),
            lenient: marks.contains('-'),
            privileged: marks.contains(['+', '!']),
            renamed: marks.contains('@'),
        }
    };
    file.all(key).iter().map(parse).filter(|step| !step.argv.is_empty()).collect()
}

impl Manager {
    /// Starts one command of a unit; returns its pid. Its output goes where the unit says, else to the journal.
    pub(super) fn spawn_step(
        self: &Arc<Self>,
        name: &str,
        file: &UnitFile,
        env: &BTreeMap<String, String>,
        step: &Step,
    ) -> io::Result<i32> {
        let program = resolve(step.argv[0].as_ref(), Some(PATH.as_ref()), Path::new("/"))?;
        let rest = if step.renamed { step.argv.get(2..) } else { step.argv.get(1..) }.unwrap_or_default();
        let user =
            file.last("User").filter(|user| *user != "root" && !step.privileged && super::all_ids_mapped());
        let mut command = if let Some(user) = user {
            let uid = lookup("/etc/passwd", user).ok_or_else(|| io::Error::other("unknown user"))?;
            let gid = file.last("Group").and_then(|group| lookup("/etc/group", group)).unwrap_or(uid);
            let mut command = Command::new("/usr/bin/setpriv");
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={gid}"))
                .args(["--clear-groups", "--"]);
            command.arg(&program);
            command
        } else {
            let mut command = Command::new(&program);
            command.arg0(if step.renamed {
                step.argv.get(1).unwrap_or(&step.argv[0])
            } else {
                &step.argv[0]
            });
            command
        };
        command.args(rest).env_clear().envs(env).stdin(Stdio::null()).process_group(0);
        let directory = file.last("WorkingDirectory").unwrap_or("/").trim_start_matches('-');
        command.current_dir(if directory == "~" {
            env.get("HOME").map_or("/", String::as_str)
        } else {
            directory
        });
        let identifier = file.last("SyslogIdentifier").map_or_else(
            || program.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            str::to_owned,
        );
        let reader = Self::redirect(file, &mut command)?;
        let child = self.reaper.spawn(&mut command)?;
        drop(command);
        let pid = pid_of(&child);
        if let Some(reader) = reader {
            let (manager, unit) = (Arc::clone(self), name.to_owned());
            std::thread::spawn(move || manager.record(&unit, &identifier, pid, reader));
        }
        Ok(pid)
    }

    fn redirect(file: &UnitFile, command: &mut Command) -> io::Result<Option<io::PipeReader>> {
        let target = file.last("StandardOutput").unwrap_or("journal");
        if let Some((kind, path)) = target.split_once(':') {
            let truncate = kind == "truncate";
            let output = OpenOptions::new()
                .create(true)
                .write(true)
                .append(!truncate)
                .truncate(truncate)
                .open(path)?;
            let error = match file.last("StandardError").and_then(|target| target.split_once(':')) {
                Some((_, path)) => OpenOptions::new().create(true).append(true).open(path)?,
                None => output.try_clone()?,
            };
            command.stdout(output).stderr(error);
            return Ok(None);
        }
        if target == "null" {
            command.stdout(Stdio::null()).stderr(File::options().write(true).open("/dev/null")?);
            return Ok(None);
        }
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        Ok(Some(reader))
    }

    fn record(&self, unit: &str, identifier: &str, pid: i32, reader: io::PipeReader) {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            let text = String::from_utf8_lossy(&line);
            for part in text.trim_end_matches('\n').as_bytes().chunks(MAX_LINE) {
                self.journal.append(identifier, pid, unit, String::from_utf8_lossy(part).into_owned());
            }
            line.clear();
        }
    }

    /// Runs the commands one after the other; the first failure's code ends it.
    pub(super) fn run_steps(
        self: &Arc<Self>,
        name: &str,
        file: &UnitFile,
        key: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<(), i32> {
        for step in steps(name, file, key, env) {
            let code = match self.spawn_step(name, file, env, &step) {
                Ok(pid) => self.reaper.wait(pid),
                Err(error) => {
                    let text = format!("{name}: Failed to locate executable {}: {error}", step.argv[0]);
                    self.journal.manager(name, text);
                    203
                }
            };
            if code != 0 && !step.lenient {
                return Err(code);
            }
        }
        Ok(())
    }
}
