//! Transient services of `systemd-run`.

use std::sync::{Arc, PoisonError};

use super::manager::{Manager, Unit, described};
use super::protocol::Response;
use super::unit_file::UnitFile;

impl Manager {
    /// Runs a command as a unit; with `wait` the answer comes when it has ended.
    pub(super) fn run_transient(
        self: &Arc<Self>,
        name: &str,
        description: &str,
        argv: &[String],
        properties: &[(String, String)],
        wait: bool,
    ) -> Response {
        let loaded = self.lock().get(name).cloned();
        if loaded.is_some_and(|unit| unit.info.active != "inactive") || UnitFile::load(name).is_some() {
            let text = format!(
                "Failed to start transient service unit: Unit {name} was already loaded or has a fragment file."
            );
            return Response::Refused { text, code: 1 };
        }
        let mut file = UnitFile::default();
        file.push("Description", description);
        file.push("ExecStart", &argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "));
        let collect =
            properties.iter().any(|(key, value)| key == "CollectMode" && value == "inactive-or-failed");
        for (key, value) in properties {
            file.push(key, value);
        }
        let mut unit = Unit { info: described(name, &file), ..Unit::default() };
        // A transient unit that ended well is unloaded in any case; a failed one only when asked to.
        unit.collect = collect || !wait;
        unit.info.fragment = format!("/run/systemd/transient/{name}");
        self.lock().insert(name.to_owned(), unit);
        match self.launch(name, &file) {
            Response::Done if wait => Response::Ended(self.wait_for_end(name)),
            other => other,
        }
    }

    fn wait_for_end(&self, name: &str) -> i32 {
        let mut units = self.lock();
        loop {
            match units.get(name) {
                None => return 0,
                Some(unit) if matches!(unit.info.active.as_str(), "inactive" | "failed") => {
                    let code = unit.info.exit_code;
                    units.remove(name);
                    return code;
                }
                Some(_) => units = self.changed.wait(units).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// A word as a unit file needs it, so that it arrives unchanged.
fn quote(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{}\"", escaped.replace('\n', "\\n").replace('\t', "\\t"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::unit_file::words;
    use super::quote;

    #[test]
    fn a_quoted_word_arrives_unchanged() {
        for word in ["", "a b", "it's", "say \"x\"", "$HOME ${A} %n %%", "back\\slash", "line\nend\t."] {
            assert_eq!(words(&quote(word), "x.service", &BTreeMap::new()), [word]);
        }
    }
}
