//! The encryption keys of `berth up`, in files.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use berth_store::crypto::{Key, KeyId};
use secrecy::{ExposeSecret as _, SecretString};

/// The files of one data directory: the key that seals, those that only open, and one that waits to be the next.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    /// Holds one key.
    pub(crate) current: PathBuf,
    /// Holds any number of them, one a line.
    pub(crate) old: PathBuf,
    next: PathBuf,
}

impl KeyFiles {
    /// Those in `directory`.
    pub(crate) fn of(directory: &Path) -> Self {
        let file = |name| directory.join(name);
        Self {
            current: file("encryption-key"),
            old: file("old-encryption-keys"),
            next: file("next-encryption-key"),
        }
    }

    /// Makes what is missing, and takes a waiting key as the current one. Only before anything runs that uses them.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        if !self.old.exists() {
            write(&self.old, "")?;
        }
        if !self.current.exists() && !self.next.exists() {
            write(&self.current, Key::generate().expose_secret())?;
            tracing::info!(file = %self.current.display(), "made a key for stored secrets; keep a copy of it");
        }
        if self.next.exists() {
            self.take_next()?;
        }
        Ok(())
    }

    /// Interrupted anywhere and repeated, it loses no key.
    fn take_next(&self) -> anyhow::Result<()> {
        if self.current.exists() {
            let (current, old) = (read(&self.current)?, read(&self.old)?);
            let (current, old) = (current.expose_secret().trim(), old.expose_secret().trim());
            if !old.lines().any(|line| line.trim() == current) {
                write(&self.old, &format!("{current}\n{old}"))?;
            }
        }
        std::fs::rename(&self.next, &self.current)
            .with_context(|| format!("cannot rename {}", self.next.display()))?;
        tracing::info!(file = %self.current.display(), "a new key seals stored secrets from now on; keep a copy of it");
        Ok(())
    }

    /// Makes the key that the next [`Self::prepare`] takes, unless one waits already. Its id, and whether it is new.
    pub(crate) fn make_next(&self) -> anyhow::Result<(KeyId, bool)> {
        let fresh = !self.next.exists();
        if fresh {
            write(&self.next, Key::generate().expose_secret())?;
        }
        let key = Key::parse(&read(&self.next)?).with_context(|| self.next.display().to_string())?;
        Ok((key.id(), fresh))
    }

    /// Whether there are keys that only open.
    pub(crate) fn has_old(&self) -> anyhow::Result<bool> {
        Ok(!read(&self.old)?.expose_secret().trim().is_empty())
    }
}

fn read(path: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(SecretString::from(text))
}

/// Whole or not at all: half a key would make every stored secret unreadable later.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    #[test]
    fn the_key_is_made_once_and_is_only_ours() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::of(dir.path());
        files.prepare().unwrap();
        let first = text(&files.current);
        files.prepare().unwrap();
        assert_eq!(text(&files.current), first);
        for path in [&files.current, &files.old] {
            assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        }
        assert!(!files.has_old().unwrap());
        Key::parse(&first.into()).unwrap();
    }

    #[test]
    fn a_waiting_key_is_taken_and_the_others_kept() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::of(dir.path());
        let mut keys = Vec::new();
        for _ in 0..3 {
            files.prepare().unwrap();
            keys.insert(0, text(&files.current));
            let (id, fresh) = files.make_next().unwrap();
            assert!(fresh);
            assert_eq!(files.make_next().unwrap(), (id, false), "asked twice, it is the same one");
            assert_eq!(text(&files.current), keys[0], "nothing changes before the next start");
        }
        assert_eq!(text(&files.old).lines().collect::<Vec<_>>(), &keys[1..]);
        assert!(files.has_old().unwrap());

        // Killed after the old key was kept and before the new one was taken.
        let old = format!("{}\n{}", keys[0], text(&files.old));
        std::fs::write(&files.old, &old).unwrap();
        files.prepare().unwrap();
        assert_eq!(text(&files.old), old);
        assert!(!keys.contains(&text(&files.current)));
    }
}
