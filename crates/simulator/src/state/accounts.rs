//! What the members of a cluster share below `/etc/pve`: users, tokens, permissions and the key that signs tickets.

use std::collections::BTreeMap;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AclEntry, Group, Model, Pool, Role, TfaEntry, Token, User};

/// Everything about who may do what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Accounts {
    pub users: BTreeMap<String, User>,
    pub tokens: BTreeMap<String, Token>,
    pub tfa: BTreeMap<String, Vec<TfaEntry>>,
    pub acl: Vec<AclEntry>,
    pub roles: BTreeMap<String, Role>,
    pub groups: BTreeMap<String, Group>,
    pub pools: BTreeMap<String, Pool>,
    /// The data center's options.
    pub options: BTreeMap<String, Value>,
    /// Signs tickets.
    pub ticket_key: String,
}

/// The accounts of a cluster, kept in a file of their own.
#[derive(Debug, Clone)]
pub struct SharedAccounts(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    file: PathBuf,
    accounts: Mutex<Accounts>,
    /// What is in the file.
    saved: Mutex<Vec<u8>>,
}

impl SharedAccounts {
    /// Those kept in `directory`, or `fresh` ones.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(directory: &Path, fresh: impl FnOnce() -> Accounts) -> io::Result<Self> {
        let file = directory.join("accounts.json");
        let accounts = if file.exists() { serde_json::from_slice(&std::fs::read(&file)?)? } else { fresh() };
        Ok(Self(Arc::new(Kept { file, accounts: Mutex::new(accounts), saved: Mutex::default() })))
    }

    /// Where it is kept.
    pub(super) fn directory(&self) -> PathBuf {
        self.0.file.parent().map(Path::to_owned).unwrap_or_default()
    }

    fn save(&self, accounts: &Accounts) -> io::Result<()> {
        let text = serde_json::to_vec(accounts)?;
        let mut saved = self.0.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if *saved != text {
            let scratch = self.0.file.with_extension("json.new");
            std::fs::write(&scratch, &text)?;
            std::fs::rename(scratch, &self.0.file)?;
            *saved = text;
        }
        Ok(())
    }
}

/// A host's state while somebody looks at it; in a cluster the shared accounts are part of it for so long.
pub(super) struct Open<'a> {
    // The order is that of locking.
    shared: Option<(&'a SharedAccounts, MutexGuard<'a, Accounts>)>,
    model: MutexGuard<'a, Model>,
}

impl<'a> Open<'a> {
    pub(super) fn new(model: &'a Mutex<Model>, shared: Option<&'a SharedAccounts>) -> Self {
        let mut shared =
            shared.map(|shared| (shared, shared.0.accounts.lock().unwrap_or_else(PoisonError::into_inner)));
        let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, accounts)) = &mut shared {
            std::mem::swap(&mut **accounts, &mut model.accounts);
        }
        Self { shared, model }
    }

    /// Keeps shared accounts that were changed.
    pub(super) fn save_shared(&self) -> io::Result<()> {
        self.shared.as_ref().map_or(Ok(()), |(shared, _)| shared.save(&self.model.accounts))
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some((_, accounts)) = &mut self.shared {
            std::mem::swap(&mut **accounts, &mut self.model.accounts);
        }
    }
}

impl Deref for Open<'_> {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

impl DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut Model {
        &mut self.model
    }
}
