//! Where `berth up` keeps its data, and the lock that keeps a second one out.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::Account;

/// In the data directory, where its files could not all be there: leads to the others.
const LINK: &str = "private";
/// A unix socket's path holds 107 bytes; the longest name below a run directory is PostgreSQL's lock file.
const LONGEST_RUN_DIRECTORY: usize = 107 - "/.s.PGSQL.5432.lock".len();

/// A data directory, held as long as this value lives.
#[derive(Debug)]
pub(crate) struct Place {
    /// Lock, logs and pid files.
    pub(crate) data: PathBuf,
    /// PostgreSQL's and Redis' files, and with them the key that the database's secrets need.
    pub(crate) private: PathBuf,
    /// Their sockets.
    pub(crate) run: PathBuf,
    /// The user PostgreSQL and Redis run as, when it is another one.
    pub(crate) account: Option<Account>,
    _lock: File,
}

impl Place {
    /// Makes the directories and takes the lock.
    ///
    /// Where PostgreSQL's user could not enter `data`, or a socket's path would be too long, its files go below
    /// `/var/tmp`, under a name that only depends on `data`.
    pub(crate) fn take(data: &Path, account: Option<Account>) -> anyhow::Result<Self> {
        let shown = data.display();
        let mode = if account.is_some() { 0o711 } else { 0o700 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(data)
            .with_context(|| format!("cannot create {shown}"))?;
        let data = data.canonicalize().with_context(|| format!("cannot open {shown}"))?;
        let lock = lock(&data)?;
        let private = if fits(&data, account.is_some()) { data.clone() } else { elsewhere(&data, mode)? };
        if private != data {
            // For people and scripts that look for it.
            let link = data.join(LINK);
            let _ = std::fs::remove_file(&link);
            symlink(&private, &link).with_context(|| format!("cannot write {}", link.display()))?;
        }
        let run = private.join("run");
        own_directory(&run, account.as_ref())?;
        Ok(Self { data, private, run, account, _lock: lock })
    }

    /// Where PostgreSQL's files and the keys of a data directory are, whoever holds it now.
    pub(crate) fn private_of(data: &Path) -> PathBuf {
        let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        std::fs::read_link(data.join(LINK)).unwrap_or(data)
    }

    /// A directory below `private` that belongs to the services' user.
    pub(crate) fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.private.join(name);
        own_directory(&directory, self.account.as_ref())?;
        Ok(directory)
    }
}

fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("lock");
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = opened.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).unwrap_or_default();
            let (data, pid) = (data.display(), pid.trim());
            anyhow::bail!(
                "another `berth up` (process {pid}) uses {data}: stop it, or set BERTH_DATA_DIR to another directory"
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Whether the services can work directly below `data`.
fn fits(data: &Path, other_user: bool) -> bool {
    let enterable = |path: &Path| std::fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o001 != 0);
    data.join("run").as_os_str().len() <= LONGEST_RUN_DIRECTORY
        && (!other_user || data.ancestors().all(enterable))
}

fn elsewhere(data: &Path, mode: u32) -> anyhow::Result<PathBuf> {
    let hash = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let name = hex::encode(&hash[..6]);
    let uid = nix::unistd::Uid::effective();
    let path = PathBuf::from(format!("/var/tmp/berth-{uid}-{name}"));
    if let Err(error) = DirBuilder::new().mode(mode).create(&path)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(error).with_context(|| format!("cannot create {}", path.display()));
    }
    // Everyone may write to /var/tmp: never trust what stands under our name unless it is ours.
    let meta = std::fs::symlink_metadata(&path)?;
    anyhow::ensure!(
        meta.is_dir() && meta.uid() == uid.as_raw() && meta.mode() & 0o022 == 0,
        "{} is not a directory of this user's own: remove it, then try again",
        path.display()
    );
    tracing::info!(directory = %path.display(), "PostgreSQL and Redis keep their files here");
    Ok(path)
}

fn own_directory(path: &Path, account: Option<&Account>) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    if let Some(account) = account {
        let (uid, gid) = (account.uid.as_raw(), account.gid.as_raw());
        chown(path, Some(uid), Some(gid))
            .with_context(|| format!("cannot give {} to PostgreSQL's user", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_one_is_told_who_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let first = Place::take(dir.path(), None).unwrap();
        let error = Place::take(dir.path(), None).unwrap_err().to_string();
        assert!(
            error.contains(&std::process::id().to_string()) && error.contains("BERTH_DATA_DIR"),
            "{error}"
        );
        assert_eq!(Place::private_of(dir.path()), first.private);
        drop(first);
        Place::take(dir.path(), None).unwrap();
    }

    #[test]
    fn a_long_path_moves_only_the_services_files() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("d".repeat(100));
        let place = Place::take(&data, None).unwrap();
        assert_eq!(place.data, data.canonicalize().unwrap());
        assert!(place.private.starts_with("/var/tmp"));
        assert_eq!(Place::private_of(&data), place.private);
        assert!(place.run.as_os_str().len() <= LONGEST_RUN_DIRECTORY);
        assert_eq!(std::fs::metadata(&place.run).unwrap().mode() & 0o777, 0o700);
        drop(place);
        let private = Place::take(&data, None).unwrap().private;
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Place::take(&data, None).unwrap_err().to_string().contains("remove it"));
        std::fs::remove_dir_all(private).unwrap();
    }

    #[test]
    fn a_closed_parent_counts_only_for_another_user() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(fits(dir.path(), false));
        assert!(!fits(dir.path(), true));
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        assert!(fits(dir.path(), true));
    }
}
