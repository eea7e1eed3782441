//! Reading unit files: sections, continuation lines, quoting and variables of command lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where unit files are looked for, strongest first.
pub(crate) const DIRECTORIES: [&str; 3] =
    ["/etc/systemd/system", "/run/systemd/transient", "/lib/systemd/system"];

/// A unit file's assignments in order; an empty assignment clears what stood before.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnitFile {
    /// The file it was read from.
    pub(crate) path: PathBuf,
    values: BTreeMap<String, Vec<String>>,
}

impl UnitFile {
    /// Finds and reads a unit, an instance `name@x.service` from its `name@.service`; drop-ins are added.
    pub(crate) fn load(name: &str) -> Option<Self> {
        let path = find(name)?;
        let mut unit = Self { path: path.clone(), values: BTreeMap::new() };
        unit.add(&std::fs::read_to_string(&path).ok()?);
        for directory in DIRECTORIES {
            let mut extra: Vec<_> = std::fs::read_dir(format!("{directory}/{name}.d"))
                .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
                .unwrap_or_default();
            extra.sort();
            for path in extra.iter().filter(|path| path.extension().is_some_and(|end| end == "conf")) {
                unit.add(&std::fs::read_to_string(path).unwrap_or_default());
            }
        }
        Some(unit)
    }

    fn add(&mut self, text: &str) {
        let joined = text.replace("\\\n", " ");
        for line in joined.lines().map(str::trim) {
            if line.starts_with(['#', ';', '[']) {
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let values = self.values.entry(key.trim().to_owned()).or_default();
            if value.trim().is_empty() {
                values.clear();
            } else {
                values.push(value.trim().to_owned());
            }
        }
    }

    /// Adds an assignment, for transient units.
    pub(crate) fn push(&mut self, key: &str, value: &str) {
        self.values.entry(key.to_owned()).or_default().push(value.to_owned());
    }

    /// All assignments of a key.
    pub(crate) fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// The last assignment of a key.
    pub(crate) fn last(&self, key: &str) -> Option<&str> {
        self.all(key).last().map(String::as_str)
    }

    /// Whether a boolean key is on.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.last(key).is_some_and(|value| matches!(value, "yes" | "true" | "1" | "on"))
    }
}

/// The file of a unit; a link to `/dev/null` counts as masked, hence as absent.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let generic = name.split_once('@').and_then(|(stem, rest)| {
        let kind = rest.rsplit_once('.')?.1;
        Some(format!("{stem}@.{kind}"))
    });
    std::iter::once(name).chain(generic.as_deref()).find_map(|candidate| {
        DIRECTORIES.iter().map(|directory| Path::new(directory).join(candidate)).find(|path| {
            path.is_file() && !path.canonicalize().is_ok_and(|real| real == Path::new("/dev/null"))
        })
    })
}

/// Splits a command line as systemd does, and puts in the specifiers and variables it knows.
pub(crate) fn words(line: &str, unit: &str, env: &BTreeMap<String, String>) -> Vec<String> {
    let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
    let instance = stem.split_once('@').map_or("", |(_, instance)| instance);
    let prefix = stem.split_once('@').map_or(stem, |(prefix, _)| prefix);
    let mut out = Vec::new();
    for (word, quoted) in split(line) {
        let word = word
            .replace("%%", "\0")
            .replace("%n", unit)
            .replace("%N", stem)
            .replace("%i", instance)
            .replace("%I", instance)
            .replace("%p", prefix)
            .replace("%H", super::hostname().trim())
            .replace("%t", "/run")
            .replace("%S", "/var/lib")
            .replace("%h", "/root")
            .replace('\0', "%");
        match word.strip_prefix('$') {
            Some(name) if !quoted && !name.starts_with(['{', '$']) => {
                out.extend(
                    env.get(name).into_iter().flat_map(|value| value.split_whitespace()).map(str::to_owned),
                );
            }
            _ => out.push(substitute(&word, env)),
        }
    }
    out
}

fn substitute(word: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(start) = rest.find('$') {
        out.push_str(&rest[..start]);
        let tail = &rest[start + 1..];
        if let Some(after) = tail.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = tail.strip_prefix('{').and_then(|tail| tail.split_once('}')) {
            out.push_str(env.get(name).map_or("", String::as_str));
            rest = after;
        } else {
            out.push('$');
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// Words of a line and whether each began with a quote.
pub(crate) fn split(line: &str) -> Vec<(String, bool)> {
    let mut out: Vec<(String, bool)> = Vec::new();
    let mut word: Option<(String, bool)> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                word.get_or_insert((String::new(), true));
                quote = Some(c);
            }
            (_, '\\') => {
                let next = match chars.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some(other) => other,
                    None => '\\',
                };
                word.get_or_insert((String::new(), false)).0.push(next);
            }
            (None, c) if c.is_whitespace() => out.extend(word.take()),
            (_, c) => word.get_or_insert((String::new(), false)).0.push(c),
        }
    }
    out.extend(word);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_keep_quoted_words_together() {
        let env = BTreeMap::from([("PORT".to_owned(), "80 81".to_owned())]);
        let line = r#"/usr/bin/x -p ${PORT} $PORT "a b" 'it s' %n $$HOME"#;
        let expected = ["/usr/bin/x", "-p", "80 81", "80", "81", "a b", "it s", "x.service", "$HOME"];
        assert_eq!(words(line, "x.service", &env), expected);
    }
}
