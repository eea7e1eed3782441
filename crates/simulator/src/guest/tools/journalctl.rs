//! `journalctl`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::manager::full_name;
use super::{out, value_of};
use crate::clock;
use crate::guest::init::{Entry, JOURNAL_PATH, hostname};

/// How often a followed journal is looked at.
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
struct Options {
    units: Vec<String>,
    lines: Option<usize>,
    format: String,
    follow: bool,
    reverse: bool,
    quiet: bool,
    grep: Option<String>,
    since: Option<i64>,
}

fn parse(args: &[String]) -> Options {
    let mut options = Options { format: "short".to_owned(), ..Options::default() };
    let mut index = 0;
    while index < args.len() {
        match args[index].as_str() {
            "-f" | "--follow" => options.follow = true,
            "-r" | "--reverse" => options.reverse = true,
            "-q" | "--quiet" => options.quiet = true,
            _ => {
                if let Some(unit) = value_of(args, &mut index, &["--unit", "-u"]) {
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
    if options.follow && options.lines.is_none() {
        options.lines = Some(10);
    }
    options
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
    let options = parse(args);
    let Ok(file) = File::open(JOURNAL_PATH) else {
        out("-- No entries --\n");
        return 0;
    };
    let mut reader = BufReader::new(file);
    let mut entries = Vec::new();
    while let Some(entry) = next(&mut reader) {
        if fits(&entry, &options) {
            entries.push(entry);
        }
    }
    let skip = options.lines.map_or(0, |lines| entries.len().saturating_sub(lines));
    let mut shown = entries.split_off(skip);
    if options.reverse {
        shown.reverse();
    }
    if shown.is_empty() && !options.follow && !options.quiet {
        out("-- No entries --\n");
    }
    for entry in &shown {
        print(entry, &options.format);
    }
    if !options.follow {
        return 0;
    }
    loop {
        match next(&mut reader) {
            Some(entry) if fits(&entry, &options) => print(&entry, &options.format),
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
    entries.iter().rev().take(lines).rev().for_each(|entry| print(entry, "short"));
}

/// The next whole line; a half-written one is left for later.
fn next(reader: &mut BufReader<File>) -> Option<Entry> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Ok(entry) = serde_json::from_str(&line) {
            return Some(entry);
        }
    }
}

fn fits(entry: &Entry, options: &Options) -> bool {
    (options.units.is_empty() || options.units.contains(&entry.unit))
        && options.since.is_none_or(|since| entry.at >= since)
        && options.grep.as_ref().is_none_or(|pattern| {
            regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(&entry.message))
        })
}

fn print(entry: &Entry, format: &str) {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(entry.at) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let source = format!("{} {}[{}]", hostname(), entry.identifier, entry.pid);
    let line = match format {
        "cat" => entry.message.clone(),
        "short-iso" | "short-iso-precise" => {
            let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+0000");
            format!("{} {source}: {}", at.format(&format).unwrap_or_default(), entry.message)
        }
        "short-unix" => {
            format!("{}.{:06} {source}: {}", entry.at / 1_000_000, entry.at % 1_000_000, entry.message)
        }
        "json" | "json-pretty" | "json-sse" => document(entry),
        _ => {
            let format = format_description!("[month repr:short] [day] [hour]:[minute]:[second]");
            format!("{} {source}: {}", at.format(&format).unwrap_or_default(), entry.message)
        }
    };
    out(format!("{line}\n"));
}

fn document(entry: &Entry) -> String {
    let from_manager = entry.pid == 1;
    let at = entry.at.to_string();
    let mut document = json!({
        "MESSAGE": entry.message, "_HOSTNAME": hostname(), "SYSLOG_IDENTIFIER": entry.identifier, "PRIORITY": "6",
        "_PID": entry.pid.to_string(), "_UID": "0", "_GID": "0", "_COMM": entry.identifier, "_RUNTIME_SCOPE": "system",
        "_TRANSPORT": if from_manager { "journal" } else { "stdout" },
        "_SYSTEMD_UNIT": if from_manager { "init.scope" } else { &entry.unit },
        "__REALTIME_TIMESTAMP": at, "__MONOTONIC_TIMESTAMP": at, "__CURSOR": format!("s=0;t={:x}", entry.at),
    });
    if from_manager {
        document["UNIT"] = entry.unit.clone().into();
    } else {
        document["_STREAM_ID"] = entry.unit.clone().into();
    }
    document.to_string()
}

/// `Sat 2026-11-21 01:22:37 UTC`
pub(super) fn stamp(milliseconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(milliseconds / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let format =
        format_description!("[weekday repr:short] [year]-[month]-[day] [hour]:[minute]:[second] UTC");
    at.format(&format).unwrap_or_default()
}
