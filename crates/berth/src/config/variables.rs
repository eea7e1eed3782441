//! The `BERTH_*` variables as they were found, and what is wrong with them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::suggest::closest;

/// Every variable. Those that hold secrets may be given by `NAME_FILE`.
pub(crate) const NAMES: &[(&str, Kind)] = &[
    ("BERTH_DATABASE_URL", Kind::Secret),
    ("BERTH_REDIS_URL", Kind::Secret),
    ("BERTH_ENCRYPTION_KEY", Kind::Secret),
    ("BERTH_OLD_ENCRYPTION_KEYS", Kind::Secret),
    ("BERTH_LISTEN", Kind::Plain),
    ("BERTH_PUBLIC_URL", Kind::Plain),
    ("BERTH_LOGIN_HOSTS", Kind::Plain),
    ("BERTH_LOGIN_ATTEMPTS", Kind::Plain),
    ("BERTH_TRUSTED_PROXIES", Kind::Plain),
    ("BERTH_WORKER_CONCURRENCY", Kind::Plain),
    ("BERTH_LEASE_SECONDS", Kind::Plain),
    ("BERTH_NODE_CHECK_SECONDS", Kind::Plain),
    ("BERTH_CONTAINER_TEMPLATES", Kind::Plain),
    ("BERTH_DATA_DIR", Kind::Plain),
    ("BERTH_METRICS_LISTEN", Kind::Plain),
    ("BERTH_LOG", Kind::Plain),
    ("BERTH_LOG_FORMAT", Kind::Plain),
];

/// Whether a variable's value may be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Shown in messages.
    Plain,
    /// Never shown; also read from `NAME_FILE`.
    Secret,
}

/// One wrong variable, in one line that says what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    variable: String,
    text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.text)
    }
}

/// All that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub(crate) struct Wrong(pub(crate) Vec<Problem>);

impl Wrong {
    /// One variable that turned out to be wrong when it was used; a line for each text.
    pub(crate) fn of(variable: &str, texts: impl IntoIterator<Item = String>) -> Self {
        Self(texts.into_iter().map(|text| Problem { variable: variable.to_owned(), text }).collect())
    }
}

/// The variables, with the problems met while reading them.
pub(crate) struct Variables {
    values: BTreeMap<String, OsString>,
    problems: Vec<Problem>,
}

impl Variables {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        Self::new(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))))
    }

    /// Those given. An empty value counts as absent, as Compose files have it.
    pub(crate) fn new(all: impl IntoIterator<Item = (String, OsString)>) -> Self {
        let ours = all.into_iter().filter(|(name, value)| name.starts_with("BERTH_") && !value.is_empty());
        Self { values: ours.collect(), problems: Vec::new() }
    }

    /// A warning for each variable that nothing reads, with the name that was probably meant.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let known: Vec<String> = NAMES
            .iter()
            .flat_map(|(name, kind)| {
                let file = (*kind == Kind::Secret).then(|| format!("{name}_FILE"));
                std::iter::once((*name).to_owned()).chain(file)
            })
            .collect();
        let strange = self.values.keys().filter(|name| !known.contains(name));
        strange
            .map(|name| match closest(name, &known) {
                Some(meant) => format!("{name} is not a variable of Berth: did you mean {meant}?"),
                None => format!("{name} is not a variable of Berth and has no effect"),
            })
            .collect()
    }

    /// Records that `variable` is wrong.
    pub(crate) fn wrong(&mut self, variable: &str, text: impl Into<String>) {
        self.problems.push(Problem { variable: variable.to_owned(), text: text.into() });
    }

    /// The variable's text, without surrounding white space.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.values.get(name)?.to_str().map(|text| text.trim().to_owned());
        if text.is_none() {
            self.wrong(name, "is not valid UTF-8");
        }
        text
    }

    /// The variable read by `parse`, or `default` when it is absent. `None` when it is wrong.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        default: impl FnOnce() -> T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.values.contains_key(name) {
            return Some(default());
        }
        let text = self.text(name)?;
        parse(&text).map_err(|remedy| self.wrong(name, format!("\"{text}\" {remedy}"))).ok()
    }

    /// The secret of `name`, or the content of the file that `NAME_FILE` names.
    pub(crate) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let secret = self.secrets(name)?;
        if secret.expose_secret().is_empty() {
            let by_file = format!("{name}_FILE");
            let path = self.text(&by_file).unwrap_or_default();
            self.wrong(&by_file, format!("{path} is empty: write the secret into it"));
            return None;
        }
        Some(secret)
    }

    /// Like [`Self::secret`], for any number of secrets in one text: a file may be empty.
    pub(crate) fn secrets(&mut self, name: &str) -> Option<SecretString> {
        let by_file = format!("{name}_FILE");
        match (self.values.contains_key(name), self.text(&by_file)) {
            (true, Some(_)) => {
                self.wrong(name, format!("is set, and {by_file} too: remove one of them"));
                None
            }
            (true, None) => self.text(name).map(SecretString::from),
            (false, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(content) => Some(SecretString::from(content.trim())),
                Err(error) => {
                    self.wrong(&by_file, format!("cannot read {path}: {error}"));
                    None
                }
            },
            (false, None) => None,
        }
    }

    /// Sets `variable` where neither `name` nor `NAME_FILE` is set, and says whether it did.
    pub(crate) fn fall_back(&mut self, name: &str, variable: &str, value: impl Into<OsString>) -> bool {
        let absent = !self.values.contains_key(name) && !self.values.contains_key(&format!("{name}_FILE"));
        if absent {
            self.values.insert(variable.to_owned(), value.into());
        }
        absent
    }

    /// Like [`Self::secret`], where absence is a problem whose remedy is `remedy`.
    pub(crate) fn required_secret(&mut self, name: &str, remedy: &str) -> Option<SecretString> {
        let before = self.problems.len();
        let secret = self.secret(name);
        if secret.is_none() && self.problems.len() == before {
            self.wrong(name, format!("is not set: {remedy}"));
        }
        secret
    }

    /// `config`, unless anything was wrong.
    pub(crate) fn finish<T>(self, config: Option<T>) -> Result<T, Wrong> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(Wrong(self.problems)),
        }
    }
}
