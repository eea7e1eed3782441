//! `journalctl`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::manager::full_name;
use super::{err, out, value_of};
use crate::clock;
use crate::guest::init::{Entry, JOURNAL_PATH, hostname};

/// How often a followed journal is looked at.
const POLL: Duration = Duration::from_millis(100);
/// Longer fields are left out of JSON unless `--all` is given.
const LONGEST_FIELD: usize = 4096;

#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "the program's own switches")]
struct Options {
    units: Vec<String>,
    /// Programs, of `_COMM=`.
    programs: Vec<String>,
    lines: Option<usize>,
    format: String,
    fields: Option<Vec<String>>,
    all: bool,
    follow: bool,
    no_tail: bool,
    reverse: bool,
    quiet: bool,
    grep: Option<String>,
    since: Option<i64>,
    /// Microseconds, of `--after-cursor`.
    after: Option<i64>,
}

/// `None` for a cursor that is none.
fn parse(args: &[String]) -> Option<Options> {
    let mut options = Options { format: "short".to_owned(), ..Options::default() };
    let mut index = 0;
    while index < args.len() {
        match args[index].as_str() {
            "-f" | "--follow" => options.follow = true,
            "-r" | "--reverse" => options.reverse = true,
            "-q" | "--quiet" => options.quiet = true,
            "-a" | "--all" => options.all = true,
            "--no-tail" => options.no_tail = true,
            word => {
                if let Some(program) = word.strip_prefix("_COMM=") {
                    options.programs.push(program.to_owned());
                } else if let Some(names) = value_of(args, &mut index, &["--output-fields"]) {
                    options.fields = Some(names.split(',').map(str::to_owned).collect());
                } else if let Some(cursor) = value_of(args, &mut index, &["--after-cursor"]) {
                    options.after = Some(moment_of(&cursor)?);
                } else if let Some(unit) = value_of(args, &mut index, &["--unit", "-u"]) {
                    options.units.push(full_name(&unit));
                } else if let Some(count) = value_of(args, &mut index, &["--lines", "-n"]) {
                    options.lines = count.parse().ok();
                } else if let Some(format) = value_of(args, &mut index, &["--output", "-o"]) {
                    options.format = format;
                } else if let Some(text) = value_of(args, &mut index, &["--grep", "-g"]) {
                    options.grep = Some(text);
                } else if let Some(text) = value_of(args, &mut index, &["--since", "-S"]) {
                    options.since = moment(&text);
                }
            }
        }
        index += 1;
    }
    if options.no_tail {
        options.lines = None;
    } else if options.follow && options.lines.is_none() {
        options.lines = Some(10);
    }
    Some(options)
}

fn cursor(entry: &Entry) -> String {
    format!("s=0;i=1;b=0;m={0:x};t={0:x};x=0", entry.at)
}

/// When the entry with this cursor was written.
fn moment_of(cursor: &str) -> Option<i64> {
    let at = cursor.split(';').find_map(|part| part.strip_prefix("t="))?;
    i64::from_str_radix(at, 16).ok()
}

/// Microseconds of `@1700000000`, `2026-11-21 01:22:37`, `-5min`, `5 minutes ago`, `today`.
fn moment(text: &str) -> Option<i64> {
    let now = clock::now() * 1_000_000;
    if let Some(seconds) = text.strip_prefix('@') {
        let whole = seconds.split('.').next()?;
        return Some(whole.parse::<i64>().ok()? * 1_000_000);
    }
    if text == "today" {
        return Some(now - now % 86_400_000_000);
    }
    let relative = text.strip_prefix('-').or_else(|| text.strip_suffix(" ago"));
    if let Some(span) = relative {
        let digits: String = span.trim().chars().take_while(char::is_ascii_digit).collect();
        let unit = span.trim()[digits.len()..].trim();
        let seconds = match unit.chars().next() {
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('m') => 60,
            _ => 1,
        };
        return Some(now - digits.parse::<i64>().ok()? * seconds * 1_000_000);
    }
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let parsed = time::PrimitiveDateTime::parse(text, &format).ok()?;
    Some(parsed.assume_utc().unix_timestamp() * 1_000_000)
}

/// `journalctl …`
pub(super) fn main(args: &[String]) -> i32 {
    let Some(options) = parse(args) else {
        err("Failed to seek to cursor: Invalid argument");
        return 1;
    };
    let Ok(file) = File::open(JOURNAL_PATH) else {
        out("-- No entries --\n");
        return 0;
    };
    let mut reader = BufReader::new(file);
    let mut entries = VecDeque::new();
    let mut any = false;
    while let Some(entry) = next(&mut reader) {
        if !fits(&entry, &options) {
            continue;
        }
        any = true;
        if options.lines.is_none() && !options.reverse {
            print(&entry, &options);
            continue;
        }
        entries.push_back(entry);
        if options.lines.is_some_and(|lines| entries.len() > lines) {
            entries.pop_front();
        }
    }
    if !any && !options.follow && !options.quiet {
        out("-- No entries --\n");
    }
    if options.reverse {
        entries.make_contiguous().reverse();
    }
    for entry in &entries {
        print(entry, &options);
    }
    if !options.follow {
        return 0;
    }
    loop {
        match next(&mut reader) {
            Some(entry) if fits(&entry, &options) => print(&entry, &options),
            Some(_) => {}
            None => std::thread::sleep(POLL),
        }
    }
}

/// The last lines of a unit, as `systemctl status` shows them.
pub(super) fn tail(unit: &str, lines: usize) {
    let Ok(file) = File::open(JOURNAL_PATH) else { return };
    let mut reader = BufReader::new(file);
    let mut entries = Vec::new();
    while let Some(entry) = next(&mut reader) {
        if entry.unit == unit {
            entries.push(entry);
        }
    }
    let options = Options::default();
    for entry in entries.iter().rev().take(lines).rev() {
        print(entry, &options);
    }
}

/// The next whole line; a half-written one is left for later.
pub(super) fn next(reader: &mut BufReader<File>) -> Option<Entry> {
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).ok()?;
        if read == 0 {
            return None;
        }
        if !line.ends_with('\n') {
            reader.seek_relative(-i64::try_from(read).ok()?).ok()?;
            return None;
        }
        if let Ok(entry) = serde_json::from_str(&line) {
            return Some(entry);
        }
    }
}

fn fits(entry: &Entry, options: &Options) -> bool {
    (options.units.is_empty() || options.units.contains(&entry.unit))
        && (options.programs.is_empty() || options.programs.contains(&entry.identifier))
        && options.after.is_none_or(|after| entry.at > after)
        && options.since.is_none_or(|since| entry.at >= since)
        && options.grep.as_ref().is_none_or(|pattern| {
            regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(&entry.message))
        })
}

fn print(entry: &Entry, options: &Options) {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(entry.at) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let source = format!("{} {}[{}]", hostname(), entry.identifier, entry.pid);
    let line = match options.format.as_str() {
        "cat" => entry.message.clone(),
        "short-iso" | "short-iso-precise" => {
            let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+0000");
            format!("{} {source}: {}", at.format(&format).unwrap_or_default(), entry.message)
        }
        "short-unix" => {
            format!("{}.{:06} {source}: {}", entry.at / 1_000_000, entry.at % 1_000_000, entry.message)
        }
        "json" | "json-pretty" | "json-sse" => document(entry, options),
        _ => {
            let format = format_description!("[month repr:short] [day] [hour]:[minute]:[second]");
            format!("{} {source}: {}", at.format(&format).unwrap_or_default(), entry.message)
        }
    };
    out(format!("{line}\n"));
}

/// The place of the entry comes first, then its fields.
fn document(entry: &Entry, options: &Options) -> String {
    let from_manager = entry.pid == 1;
    let at = entry.at.to_string();
    let head = format!(
        r#"{{"__CURSOR":"{}","__REALTIME_TIMESTAMP":"{at}","__MONOTONIC_TIMESTAMP":"{at}","_BOOT_ID":"00000000000000000000000000000000""#,
        cursor(entry)
    );
    let mut fields = json!({
        "MESSAGE": message(entry, options.all), "_HOSTNAME": hostname(), "SYSLOG_IDENTIFIER": entry.identifier,
        "PRIORITY": entry.priority.to_string(), "_PID": entry.pid.to_string(), "_UID": "0", "_GID": "0",
        "_COMM": entry.identifier, "_RUNTIME_SCOPE": "system",
        "_TRANSPORT": if from_manager { "journal" } else { "stdout" },
        "_SYSTEMD_UNIT": if from_manager { "init.scope" } else { &entry.unit },
    });
    if from_manager {
        fields["UNIT"] = entry.unit.clone().into();
    } else {
        fields["_STREAM_ID"] = entry.unit.clone().into();
    }
    if let (Some(wanted), Some(fields)) = (&options.fields, fields.as_object_mut()) {
        fields.retain(|name, _| wanted.contains(name));
    }
    let rest = fields.to_string();
    let rest = rest.trim_start_matches('{');
    if rest == "}" { format!("{head}}}") } else { format!("{head},{rest}") }
}

/// Text, or numbers where it cannot be printed, or nothing where it is long.
fn message(entry: &Entry, all: bool) -> Value {
    let text = &entry.message;
    if text.len() > LONGEST_FIELD && !all {
        return Value::Null;
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\t' | '\n')) {
        return text.as_bytes().into();
    }
    text.clone().into()
}

/// `Sat 2026-11-21 01:22:37 UTC`
pub(super) fn stamp(milliseconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(milliseconds / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let format =
        format_description!("[weekday repr:short] [year]-[month]-[day] [hour]:[minute]:[second] UTC");
    at.format(&format).unwrap_or_default()
}
