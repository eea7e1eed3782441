//! Bounded reading below one folder: no file is followed out of it.

use std::fs::{File, FileType};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::Problem;

/// What a container template's folder may hold besides single files.
const FOLDERS: [&str; 3] = ["packages", "scripts", "files"];
/// Endings of files that are read in one of [`FOLDERS`] only.
const MISPLACED: [&str; 12] =
    ["sh", "apt", "apk", "dnf", "pacman", "npm", "pip", "custom", "path", "policy", "mode", "owner"];
/// How many files one folder may hold.
const MOST_FILES: usize = 500;
/// How many container templates there may be.
const MOST_FOLDERS: usize = 5000;
/// All of a container template travels in one stream, and is kept in one row.
const MOST_BYTES: u64 = 50 << 20;
/// How many problems of one container template are told one by one.
const MOST_PROBLEMS: usize = 50;
/// Characters of a message: it may quote what it complains about.
const LONGEST_MESSAGE: usize = 300;

const OUTSIDE: &str = "is a link that leads out of its container template's folder: put the file itself here";

/// A container template's folder and what was wrong in it so far.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) name: String,
    path: PathBuf,
    problems: Vec<Problem>,
    untold: usize,
    left: u64,
}

/// What stands in the folder of all container templates.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// By name, in the order of names.
    pub(super) folders: Vec<(String, PathBuf)>,
    /// Names of what looks like one and cannot be read.
    pub(super) broken: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// Looks into `root`, which is absolute and without links.
pub(super) fn list(root: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name().to_string_lossy().into_owned(), entry.file_type()?);
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            listing.folders.push((name, entry.path()));
        } else if kind.is_symlink() && entry.path().metadata().map_or(true, |target| target.is_dir()) {
            let message = "is a link, which is not followed: put the folder itself here";
            listing.problems.push(Problem::new(&name, None, message));
            listing.broken.push(name);
        } else if name == "template.conf" {
            let message = "describes no container template here: put it into a folder of its own";
            listing.problems.push(Problem::new(&name, None, message));
        }
    }
    if listing.folders.len() > MOST_FOLDERS {
        return Err(io::Error::other(format!("it holds more than {MOST_FOLDERS} folders")));
    }
    listing.folders.sort();
    listing.problems.sort();
    Ok(listing)
}

impl Folder {
    pub(super) fn new(name: String, path: PathBuf) -> Self {
        Self { name, path, problems: Vec::new(), untold: 0, left: MOST_BYTES }
    }

    pub(super) fn is_flawless(&self) -> bool {
        self.problems.is_empty()
    }

    /// What was wrong, by file and line.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        if self.untold > 0 {
            let message = format!("{} more problems in this folder", self.untold);
            self.problems.push(Problem::new(&self.name, None, &message));
        }
        self.problems
    }

    pub(super) fn problem(&mut self, file: &str, line: Option<usize>, message: impl AsRef<str>) {
        if self.problems.len() == MOST_PROBLEMS {
            self.untold += 1;
            return;
        }
        let file = if file.is_empty() { self.name.clone() } else { format!("{}/{file}", self.name) };
        self.problems.push(Problem::new(&file, line, message.as_ref()));
    }

    /// A folder that nobody reads is most likely a misspelt one, and a script beside `scripts` a misplaced one.
    pub(super) fn check_entries(&mut self) {
        for (name, kind) in self.inside("") {
            let is_folder = kind.is_dir()
                || kind.is_symlink() && self.path.join(&name).metadata().is_ok_and(|it| it.is_dir());
            let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
            if is_folder && !FOLDERS.contains(&name.as_str()) {
                self.problem(&name, None, "is not read: the folders are packages, scripts and files");
            } else if !is_folder && MISPLACED.contains(&ending) {
                self.problem(&name, None, "is not read here: it belongs into packages, scripts or files");
            }
        }
    }

    /// The names in one of its folders, sorted; none when there is no such folder.
    pub(super) fn entries(&mut self, folder: &str) -> Vec<String> {
        let path = self.path.join(folder);
        match path.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                return Vec::new();
            }
            Err(error) => {
                self.problem(folder, None, cannot(&error));
                return Vec::new();
            }
            Ok(real) if !real.starts_with(&self.path) => {
                self.problem(folder, None, OUTSIDE);
                return Vec::new();
            }
            Ok(_) => {}
        }
        let mut names = Vec::new();
        for (name, kind) in self.inside(folder) {
            if kind.is_dir() {
                let message =
                    "is a folder and not read: there are no folders within packages, scripts and files";
                self.problem(&format!("{folder}/{name}"), None, message);
            } else {
                names.push(name);
            }
        }
        if names.len() > MOST_FILES {
            self.problem(folder, None, format!("holds more than {MOST_FILES} files"));
            names.clear();
        }
        names.sort();
        names
    }

    /// What a folder below this one holds, without what is hidden.
    fn inside(&mut self, folder: &str) -> Vec<(String, FileType)> {
        let entries = match std::fs::read_dir(self.path.join(folder)) {
            Ok(entries) => entries,
            Err(error) => {
                self.problem(folder, None, cannot(&error));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))) {
                Ok((name, kind)) => match name.into_string() {
                    Ok(name) if name.starts_with('.') => {}
                    Ok(name) => found.push((name, kind)),
                    Err(name) => {
                        let file = Path::new(folder).join(name).to_string_lossy().into_owned();
                        self.problem(&file, None, "has a name that is not UTF-8");
                    }
                },
                Err(error) => self.problem(folder, None, cannot(&error)),
            }
        }
        found
    }

    /// Whether there is such a file; a dangling link counts, so that reading it tells.
    pub(super) fn has(&self, file: &str) -> bool {
        self.path.join(file).symlink_metadata().is_ok()
    }

    /// A file of at most `limit` bytes.
    pub(super) fn bytes(&mut self, file: &str, limit: u64) -> Option<Vec<u8>> {
        match self.read(file, limit) {
            Ok(bytes) => {
                self.left -= bytes.len() as u64;
                Some(bytes)
            }
            Err(message) => {
                self.problem(file, None, message);
                None
            }
        }
    }

    fn read(&self, file: &str, limit: u64) -> Result<Vec<u8>, String> {
        let path = self.path.join(file).canonicalize().map_err(|error| cannot(&error))?;
        if !path.starts_with(&self.path) {
            return Err(OUTSIDE.into());
        }
        let regular = |is_file: bool| if is_file { Ok(()) } else { Err("is not a regular file".to_owned()) };
        regular(path.metadata().map_err(|error| cannot(&error))?.is_file())?;
        // Who has put a link or a named pipe there since is not followed, nor waited for.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| cannot(&error.into()))?;
        let reader = File::from(opened);
        let metadata = reader.metadata().map_err(|error| cannot(&error))?;
        regular(metadata.is_file())?;
        let larger = |limit: u64| format!("is larger than {}", size(limit));
        if metadata.len() > limit {
            return Err(larger(limit));
        }
        if metadata.len() > self.left {
            return Err(format!(
                "is too much: all files of a container template together have at most {}",
                size(MOST_BYTES)
            ));
        }
        let limit = limit.min(self.left);
        let mut bytes = Vec::new();
        reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
        if bytes.len() as u64 > limit { Err(larger(limit)) } else { Ok(bytes) }
    }

    /// A text of at most `limit` bytes.
    pub(super) fn text(&mut self, file: &str, limit: u64) -> Option<String> {
        let bytes = self.bytes(file, limit)?;
        let line_of = |end: usize| bytes[..end].split(|byte| *byte == b'\n').count();
        if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
            let line = line_of(nul);
            self.problem(file, Some(line), "holds a NUL character: it is no text");
            return None;
        }
        if let Err(error) = std::str::from_utf8(&bytes) {
            let line = line_of(error.valid_up_to());
            self.problem(file, Some(line), "is not UTF-8");
            return None;
        }
        String::from_utf8(bytes).ok()
    }
}

impl Problem {
    /// What is quoted in it stays on one line, and short.
    pub(super) fn new(file: &str, line: Option<usize>, message: &str) -> Self {
        let cut = message.char_indices().nth(LONGEST_MESSAGE).map(|(end, _)| end);
        let message = match cut {
            Some(end) => format!("{}…", on_one_line(&message[..end])),
            None => on_one_line(message),
        };
        Self { file: on_one_line(file), line, message }
    }
}

/// Escapes what breaks a line, and what turns the order of its characters: a name would be read as another one.
fn on_one_line(text: &str) -> String {
    let turns = |character| matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |character: char| {
        let escaped = character.is_control() || turns(character);
        if escaped { character.escape_default().to_string() } else { character.into() }
    };
    text.chars().map(shown).collect()
}

fn cannot(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "cannot be read: permission denied. The user that Berth runs as has to be able to read it".into()
        }
        io::ErrorKind::NotFound => "cannot be read: it is a link to nothing".into(),
        _ => format!("cannot be read: {error}"),
    }
}

fn size(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}
