//! Berth's recipes, read from folders on disk. The format is described in `docs/container-templates.md`.

mod conf;
mod contents;
mod folder;

use std::path::{Path, PathBuf};

use berth_domain::container_template::ContainerTemplate;
use folder::Folder;

use crate::{Context, Error, Result};

/// What reading the folders has changed, by name, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// New ones.
    pub added: Vec<String>,
    /// Those that are different now.
    pub changed: Vec<String>,
    /// Those whose folder is gone.
    pub removed: Vec<String>,
    /// What could not be read. A container template with problems stays as it was.
    pub problems: Vec<Problem>,
}

/// Something on disk that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, below the folder of all container templates.
    pub file: PathBuf,
    /// Its line, where there is one to point at.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

/// All container templates by title.
pub async fn list(ctx: &Context) -> Result<Vec<ContainerTemplate>> {
    Ok(berth_store::container_templates::list(&ctx.pg).await?)
}

/// One of them.
pub async fn find(ctx: &Context, name: &str) -> Result<ContainerTemplate> {
    berth_store::container_templates::find(&ctx.pg, name).await?.ok_or(Error::NotFound)
}

/// Reads all folders anew. One that has problems keeps what was read of it before, if anything.
pub async fn discover(ctx: &Context) -> Result<Report> {
    let root = ctx.settings.container_templates.clone();
    let found = tokio::task::spawn_blocking(move || read_all(&root));
    let mut found = found.await.map_err(|error| Error::Internal(Box::new(error)))?;
    if found.unreadable {
        return Ok(Report { problems: found.problems, ..Report::default() });
    }
    for name in found.broken {
        found.read.extend(berth_store::container_templates::find(&ctx.pg, &name).await?);
    }
    let changes = berth_store::container_templates::sync(&ctx.pg, &found.read, ctx.clock.now()).await?;
    for problem in &found.problems {
        tracing::warn!(%problem, "container template");
    }
    let berth_store::container_templates::Report { added, changed, removed } = changes;
    Ok(Report { added, changed, removed, problems: found.problems })
}

#[derive(Debug, Default)]
struct Found {
    read: Vec<ContainerTemplate>,
    broken: Vec<String>,
    problems: Vec<Problem>,
    /// The folder of all folders cannot be read: that removes none of them.
    unreadable: bool,
}

fn read_all(root: &Path) -> Found {
    let mut found = Found::default();
    let folders = root.canonicalize().and_then(|root| folder::subfolders(&root));
    let folders = match folders {
        Ok(folders) => folders,
        Err(error) => {
            let message = format!("cannot be read ({error}): check BERTH_CONTAINER_TEMPLATES");
            found.problems.push(Problem { file: root.into(), line: None, message });
            found.unreadable = true;
            return found;
        }
    };
    for (name, path) in folders {
        let mut folder = Folder::new(name.clone(), path);
        match read_one(&mut folder) {
            Some(recipe) if folder.problems.is_empty() => found.read.push(recipe),
            _ => found.broken.push(name),
        }
        found.problems.append(&mut folder.problems);
    }
    found.problems.sort();
    found
}

fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
}

fn read_one(folder: &mut Folder) -> Option<ContainerTemplate> {
    if !is_name(&folder.name) {
        folder.problem("", None, "a folder's name has lower-case letters, digits and dashes, at most 60");
        return None;
    }
    folder.check_entries();
    let conf = conf::read(folder);
    let packages = contents::packages(folder);
    let scripts = contents::scripts(folder);
    let files = contents::files(folder);
    let conf = conf?;
    Some(ContainerTemplate {
        name: folder.name.clone(),
        title: conf.title,
        description: conf.description,
        tags: conf.tags,
        defaults: conf.defaults,
        packages,
        scripts,
        files,
    })
}

#[cfg(test)]
mod tests;
