//! Entries of the journal as `journalctl --output=json` prints them.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::super::cursor::is_of_journal;
use super::super::lines::{LogLine, Severity, shown};
use super::plain;
use crate::foreign::shortened;

/// Lines of one entry.
const MOST_LINES: usize = 200;

/// Characters of the name of who wrote an entry, which stands before each of its lines.
const LONGEST_IDENTIFIER: usize = 64;

/// An entry: most often one line.
pub(super) struct Entry {
    pub(super) cursor: Option<String>,
    pub(super) lines: Vec<LogLine>,
}

/// A field may be text, bytes as numbers where it is not printable, or a list of those where it is there more than once.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "__CURSOR")]
    cursor: Option<String>,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    at: Value,
    #[serde(rename = "MESSAGE", default)]
    message: Value,
    #[serde(rename = "PRIORITY", default)]
    priority: Value,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    identifier: Value,
}

/// Reads one; of an entry that is too long or no entry at all it says so.
pub(super) fn read(line: &[u8], omitted: u64, names_service: bool) -> Entry {
    if omitted > 0 {
        let size = line.len() as u64 + omitted;
        let text = format!("(an entry of {size} bytes is not shown; the download has it)");
        return Entry { cursor: cursor_in(line), lines: vec![plain(text)] };
    }
    let Ok(fields) = serde_json::from_slice::<Fields>(line) else {
        return Entry { cursor: None, lines: vec![plain(shown(line, 0))] };
    };
    let message = bytes(&fields.message);
    let at = text(&fields.at).parse::<i128>().ok();
    let at = at.and_then(|micros| OffsetDateTime::from_unix_timestamp_nanos(micros.checked_mul(1000)?).ok());
    let severity = match text(&fields.priority).parse() {
        Ok(0u8..=3) => Severity::Error,
        Ok(4) => Severity::Warning,
        _ => Severity::Normal,
    };
    let prefix = match names_service.then(|| text(&fields.identifier)) {
        Some(identifier) if !identifier.is_empty() => {
            format!("{}: ", shortened(&identifier, LONGEST_IDENTIFIER))
        }
        _ => String::new(),
    };
    let message = message.strip_suffix(b"\n").unwrap_or(&message);
    let mut parts = message.split(|byte| *byte == b'\n');
    let mut lines: Vec<LogLine> = parts
        .by_ref()
        .take(MOST_LINES)
        .map(|part| LogLine { at, severity, text: format!("{prefix}{}", shown(part, 0)) })
        .collect();
    let more = parts.count();
    if more > 0 {
        lines.push(LogLine { at, severity, text: format!("… ({more} more lines of this entry)") });
    }
    Entry { cursor: fields.cursor.filter(|cursor| is_of_journal(cursor)), lines }
}

/// The fields come in any order, so what was kept of an entry may not have it. A quote within a message has a backslash before it.
fn cursor_in(line: &[u8]) -> Option<String> {
    let kept = String::from_utf8_lossy(line);
    let (_, rest) = kept.split_once("\"__CURSOR\":\"")?;
    let (cursor, _) = rest.split_once('"')?;
    is_of_journal(cursor).then(|| cursor.to_owned())
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(items) if items.iter().all(Value::is_u64) => {
            items.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect()
        }
        Value::Array(items) => items.iter().map(bytes).collect::<Vec<_>>().join(&b'\n'),
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> String {
    String::from_utf8_lossy(&bytes(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(json: &str) -> Vec<(Severity, String)> {
        let entry = read(json.as_bytes(), 0, false);
        entry.lines.into_iter().map(|line| (line.severity, line.text)).collect()
    }

    #[test]
    fn who_writes_an_entry_is_named_in_few_words() {
        let told = serde_json::json!({ "SYSLOG_IDENTIFIER": "x".repeat(400_000), "MESSAGE": "a\nb" });
        let entry = read(told.to_string().as_bytes(), 0, true);
        let lengths: Vec<usize> = entry.lines.iter().map(|line| line.text.len()).collect();
        assert_eq!(lengths, [LONGEST_IDENTIFIER + 3; 2]);
    }

    #[test]
    fn an_entry_is_read_in_each_of_its_forms() {
        let entry = read(
            br#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795224157123456","PRIORITY":"3","SYSLOG_IDENTIFIER":"nginx","MESSAGE":"no\nluck"}"#,
            0,
            true,
        );
        assert_eq!(entry.cursor.as_deref(), Some("s=1;i=2"));
        let shown: Vec<_> = entry.lines.iter().map(|line| (line.severity, line.text.as_str())).collect();
        assert_eq!(shown, [(Severity::Error, "nginx: no"), (Severity::Error, "nginx: luck")]);
        assert_eq!(entry.lines[0].at.unwrap().unix_timestamp(), 1_795_224_157);
        assert_eq!(
            lines(r#"{"PRIORITY":"4","MESSAGE":[27,91,51,49,109,120]}"#),
            [(Severity::Warning, "\u{1b}[31mx".into())]
        );
        assert_eq!(
            lines(r#"{"MESSAGE":["a",[98]]}"#),
            [(Severity::Normal, "a".into()), (Severity::Normal, "b".into())]
        );
        assert_eq!(lines(r#"{"MESSAGE":null}"#), [(Severity::Normal, String::new())]);
        assert_eq!(lines("not json"), [(Severity::Normal, "not json".into())]);
    }

    #[test]
    fn an_entry_that_is_too_long_keeps_its_place() {
        let entry = read(br#"{"__CURSOR":"s=1;i=2","MESSAGE":"xxx"#, 1000, false);
        assert_eq!(entry.cursor.as_deref(), Some("s=1;i=2"));
        assert!(entry.lines[0].text.contains("1036 bytes"), "{}", entry.lines[0].text);
        let entry = read(br#"{"MESSAGE":"x \"__CURSOR\":\"s=9;i=9\" x"#, 1000, false);
        assert_eq!(entry.cursor, None);
    }
}
