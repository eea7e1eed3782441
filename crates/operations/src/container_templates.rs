//! Berth's recipes, read from folders on disk. The format is described in `docs/container-templates.md`.

mod changes;
mod conf;
mod contents;
mod discover;
mod folder;

use berth_domain::container_template::ContainerTemplate;
pub use changes::Change;
pub(crate) use discover::read_folder;
pub use discover::{Report, discover, discover_within};

use crate::{Context, Error, Result};

/// Something on disk that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, below the folder of all container templates.
    pub file: String,
    /// Its line, where there is one to point at.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
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

#[cfg(test)]
mod tests;
