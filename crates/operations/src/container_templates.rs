//! Berth's recipes, read from folders on disk. The format is described in `docs/container-templates.md`.

pub mod authoring;
mod changes;
mod conf;
mod contents;
mod discover;
mod folder;
pub mod search;

use berth_domain::container_template::{ContainerTemplate, ContentHash, Stored, Summary};
use berth_domain::{ContainerTemplateId, UserId};
use berth_store::container_templates as store;

pub use changes::Change;
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

/// Everybody's and the user's own by title.
pub async fn list(ctx: &Context, user: UserId) -> Result<Vec<Summary>> {
    Ok(store::summaries(&ctx.pg, user).await?)
}

/// The same with all but what is in their scripts and files.
pub async fn outlines(ctx: &Context, user: UserId) -> Result<Vec<Stored>> {
    Ok(store::outlines(&ctx.pg, user).await?)
}

/// One of them without what is in its scripts and files.
pub async fn outline(ctx: &Context, user: UserId, id: ContainerTemplateId) -> Result<Stored> {
    store::find_outline(&ctx.pg, user, id).await?.ok_or(Error::NotFound)
}

/// The same by an id as typed, or by the name of a folder on disk. What names none of them is [`Error::NotFound`].
pub async fn outline_of(ctx: &Context, user: UserId, id_or_name: &str) -> Result<Stored> {
    match id_or_name.parse() {
        Ok(id) => outline(ctx, user, id).await,
        Err(_) => store::find_on_disk(&ctx.pg, id_or_name).await?.ok_or(Error::NotFound),
    }
}

/// One of them, whole.
pub async fn find(ctx: &Context, user: UserId, id: ContainerTemplateId) -> Result<Stored<ContainerTemplate>> {
    store::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)
}

/// What a script or a file holds, of any that the user sees, or one of their uploads.
pub async fn content(ctx: &Context, user: UserId, hash: &ContentHash) -> Result<Vec<u8>> {
    store::content(&ctx.pg, user, hash).await?.ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests;
