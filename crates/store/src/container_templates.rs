//! The recipes: those found on disk are everybody's, those written in the page are one person's.
//!
//! A row holds the outline; what is in scripts and files is apart from it, by its hash, so that a list loads none of it.

mod disk;
mod read;
mod uploads;
mod write;

use berth_domain::container_template::{
    ContainerTemplate, ContentHash, FileOutline, Outline, Script, ScriptOutline,
};
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, query};

pub use disk::{Put, Sync, find_on_disk};
pub use read::{content, contents, contents_size, find, find_outline, outlines, summaries};
pub use uploads::{expire_uploads, upload, uploaded_bytes};
pub use write::{Deleted, LiveCreation, Updated, Written, delete, insert, update, written};

use crate::error::Result;

/// The index that lets a person have each title once.
pub const TITLE: &str = "container_templates_title_unique";

/// What a content is known by.
pub fn hash(content: &[u8]) -> ContentHash {
    hex::encode(Sha256::digest(content)).parse().expect("a SHA-256 in hexadecimal digits is one")
}

/// A recipe without what is in its scripts and files, and that by its hash.
fn parts<'a>(recipe: &'a ContainerTemplate) -> (Outline, Vec<(ContentHash, &'a [u8])>) {
    let mut contents = Vec::new();
    let mut part = |content: &'a [u8]| {
        let sha256 = hash(content);
        contents.push((sha256.clone(), content));
        sha256
    };
    let mut script = |script: &'a Script| ScriptOutline {
        name: script.name.clone(),
        about: script.about(),
        size: script.content.len() as u64,
        sha256: part(script.content.as_bytes()),
    };
    let installers = recipe.installers.iter().map(&mut script).collect();
    let scripts = recipe.scripts.iter().map(&mut script).collect();
    let files = recipe.files.iter().map(|file| FileOutline {
        path: file.path.clone(),
        mode: file.mode,
        owner: file.owner.clone(),
        policy: file.policy,
        size: file.content.len() as u64,
        sha256: part(&file.content),
    });
    let files = files.collect();
    // Of the lists only what is not content is copied.
    let outline = ContainerTemplate::<(), ()> {
        name: recipe.name.clone(),
        title: recipe.title.clone(),
        description: recipe.description.clone(),
        tags: recipe.tags.clone(),
        defaults: recipe.defaults.clone(),
        packages: recipe.packages.clone(),
        installers: Vec::new(),
        scripts: Vec::new(),
        files: Vec::new(),
    };
    (outline.with(installers, scripts, files), contents)
}

/// Makes these the contents of a container template.
async fn replace_contents(
    conn: &mut PgConnection,
    id: uuid::Uuid,
    contents: &[(ContentHash, &[u8])],
) -> Result<()> {
    let hashes: Vec<String> = contents.iter().map(|(hash, _)| hash.to_string()).collect();
    query!(
        "delete from container_template_contents where container_template_id = $1 and sha256 <> all($2)",
        id,
        &hashes,
    )
    .execute(&mut *conn)
    .await?;
    for (hash, content) in contents {
        query!(
            "insert into container_template_contents (container_template_id, sha256, content) values ($1, $2, $3)
             on conflict do nothing",
            id,
            hash.as_str(),
            *content,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
