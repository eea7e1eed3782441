//! Bounded reading below one folder: no file is followed out of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Problem;

/// What a container template's folder may hold besides single files.
const FOLDERS: [&str; 3] = ["packages", "scripts", "files"];

/// How many files one folder may hold.
const MOST: usize = 500;

/// A container template's folder and what was wrong in it so far.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) name: String,
    path: PathBuf,
    pub(super) problems: Vec<Problem>,
}

/// The folders below `root` by name; `root` is absolute and without links.
pub(super) fn subfolders(root: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.file_type()?.is_dir() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

impl Folder {
    pub(super) fn new(name: String, path: PathBuf) -> Self {
        Self { name, path, problems: Vec::new() }
    }

    pub(super) fn problem(&mut self, file: &str, line: Option<usize>, message: impl Into<String>) {
        let file = if file.is_empty() { PathBuf::from(&self.name) } else { Path::new(&self.name).join(file) };
        self.problems.push(Problem { file, line, message: message.into() });
    }

    /// A folder that nobody reads is most likely a misspelt one.
    pub(super) fn check_entries(&mut self) {
        match subfolders(&self.path) {
            Ok(found) => {
                for (name, _) in found.iter().filter(|(name, _)| !FOLDERS.contains(&name.as_str())) {
                    self.problem(name, None, "is not read: the folders are packages, scripts and files");
                }
            }
            Err(error) => self.problem("", None, format!("cannot be read: {error}")),
        }
    }

    /// The names in one of its folders, sorted; none when there is no such folder.
    pub(super) fn entries(&mut self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        let entries = match std::fs::read_dir(self.path.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return names,
            Err(error) => {
                self.problem(folder, None, format!("cannot be read: {error}"));
                return names;
            }
        };
        for entry in entries {
            match entry.map(|entry| entry.file_name().into_string()) {
                Ok(Ok(name)) if name.starts_with('.') => {}
                Ok(Ok(name)) => names.push(name),
                Ok(Err(_)) => self.problem(folder, None, "holds a file whose name is not UTF-8"),
                Err(error) => self.problem(folder, None, format!("cannot be read: {error}")),
            }
        }
        if names.len() > MOST {
            self.problem(folder, None, format!("holds more than {MOST} files"));
            names.clear();
        }
        names.sort();
        names
    }

    /// Whether there is such a file; a dangling link counts, so that reading it tells.
    pub(super) fn has(&self, file: &str) -> bool {
        self.path.join(file).symlink_metadata().is_ok()
    }

    /// A file of at most `limit` bytes.
    pub(super) fn bytes(&mut self, file: &str, limit: u64) -> Option<Vec<u8>> {
        match self.read(file, limit) {
            Ok(bytes) => Some(bytes),
            Err(message) => {
                self.problem(file, None, message);
                None
            }
        }
    }

    fn read(&self, file: &str, limit: u64) -> Result<Vec<u8>, String> {
        let cannot = |error: std::io::Error| format!("cannot be read: {error}");
        let path = self.path.join(file).canonicalize().map_err(cannot)?;
        if !path.starts_with(&self.path) {
            return Err("is a link that leads out of its container template's folder".into());
        }
        // Opening a named pipe would wait for ever.
        if !path.metadata().map_err(cannot)?.is_file() {
            return Err("is not a regular file".into());
        }
        let mut bytes = Vec::new();
        let reader = std::fs::File::open(&path).map_err(cannot)?;
        reader.take(limit + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() as u64 > limit {
            return Err(format!("is larger than {} KiB", limit >> 10));
        }
        Ok(bytes)
    }

    /// A text of at most `limit` bytes.
    pub(super) fn text(&mut self, file: &str, limit: u64) -> Option<String> {
        let bytes = self.bytes(file, limit)?;
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Some(text),
            Ok(_) => {
                self.problem(file, None, "holds a NUL character: it is no text");
                None
            }
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = 1 + String::from_utf8_lossy(valid).matches('\n').count();
                self.problem(file, Some(line), "is not UTF-8");
                None
            }
        }
    }
}
