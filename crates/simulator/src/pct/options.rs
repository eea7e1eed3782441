//! Command lines as `PVE::JSONSchema::get_options` reads them: positional arguments, `--name value`, `--` ends options.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) positional: Vec<OsString>,
    pub(super) options: BTreeMap<String, String>,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Value,
    /// A value may follow; without one it is on.
    Boolean,
}

/// Reads `argv`; `known` says what an option takes. Fails with the text Proxmox prints before the usage.
pub(super) fn parse(argv: &[OsString], known: impl Fn(&str) -> Option<Takes>) -> Result<Line, String> {
    let mut line = Line::default();
    let mut unknown = String::new();
    let mut words = argv.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            line.positional.extend(words.by_ref().cloned());
            break;
        }
        let Some(option) =
            text.strip_prefix("--").or_else(|| text.strip_prefix('-')).filter(|rest| !rest.is_empty())
        else {
            line.positional.push(word.clone());
            continue;
        };
        let (name, given) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value.to_owned())));
        let Some(takes) = known(name) else {
            let _ = writeln!(unknown, "Unknown option: {name}");
            continue;
        };
        let value = match (given, takes) {
            (Some(value), _) => value,
            (None, Takes::Boolean) => {
                let next = words.clone().next().map(|next| next.to_string_lossy().into_owned());
                match next.filter(|next| {
                    matches!(next.as_str(), "0" | "1" | "yes" | "no" | "on" | "off" | "true" | "false")
                }) {
                    Some(value) => {
                        words.next();
                        value
                    }
                    None => "1".to_owned(),
                }
            }
            (None, Takes::Value) => {
                if let Some(value) = words.next() {
                    value.to_string_lossy().into_owned()
                } else {
                    let _ = writeln!(unknown, "Option {name} requires an argument");
                    continue;
                }
            }
        };
        let value = if takes == Takes::Boolean { boolean(&value) } else { value };
        line.options.insert(name.to_owned(), value);
    }
    if unknown.is_empty() { Ok(line) } else { Err(format!("{unknown}400 unable to parse option\n")) }
}

fn boolean(value: &str) -> String {
    match value {
        "yes" | "on" | "true" => "1".to_owned(),
        "no" | "off" | "false" => "0".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_flag_without_dashes_in_front_is_the_tools_own() {
        let known = |name: &str| (name == "keep-env").then_some(Takes::Boolean);
        let error = parse(&words("101 ls -l /etc/hostname"), known).unwrap_err();
        assert_eq!(error, "Unknown option: l\n400 unable to parse option\n");
        let line = parse(&words("101 --keep-env 0 -- ls -l"), known).unwrap();
        assert_eq!(line.positional, words("101 ls -l"));
        assert_eq!(line.options["keep-env"], "0");
    }
}
