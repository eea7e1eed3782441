//! What somebody sees: everybody's and their own.

use std::collections::BTreeMap;

use berth_domain::container_template::{
    ContainerTemplate, ContentHash, Outline, Script, ScriptOutline, Stored, Summary, TemplateFile,
};
use berth_domain::{ContainerTemplateId, UserId};
use sqlx::types::Json;
use sqlx::{PgExecutor, query, query_scalar};

use crate::error::{Error, Result, corrupt, decode};

/// Everybody's and the user's own by title, without what only a page of one of them shows.
pub async fn summaries(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Summary>> {
    let rows = query!(
        r#"select id, user_id is not null as "own!", name, title as "title!", updated_at,
                  recipe ->> 'description' as description, recipe -> 'tags' as "tags: Json<Vec<String>>",
                  jsonb_array_length(recipe -> 'packages') as packages,
                  jsonb_array_length(recipe -> 'scripts') as scripts,
                  jsonb_array_length(recipe -> 'files') as files
           from container_templates where user_id is null or user_id = $1 order by lower(title), name, id"#,
        user.uuid(),
    )
    .fetch_all(pg)
    .await?;
    let count = |column: Option<i32>| decode(column.unwrap_or_default(), "container_templates.recipe");
    let mut summaries = Vec::with_capacity(rows.len());
    for row in rows {
        summaries.push(Summary {
            id: row.id.into(),
            own: row.own,
            name: row.name,
            title: row.title,
            description: row.description.unwrap_or_default(),
            tags: row.tags.map(|Json(tags)| tags).unwrap_or_default(),
            packages: count(row.packages)?,
            scripts: count(row.scripts)?,
            files: count(row.files)?,
            updated_at: row.updated_at,
        });
    }
    Ok(summaries)
}

/// Everybody's and the user's own by title.
pub async fn outlines(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Stored>> {
    let rows = query!(
        r#"select id, user_id is not null as "own!", version, updated_at, recipe as "recipe: Json<Outline>"
           from container_templates where user_id is null or user_id = $1 order by lower(title), name, id"#,
        user.uuid(),
    )
    .fetch_all(pg)
    .await?;
    let stored = rows.into_iter().map(|row| Stored {
        id: row.id.into(),
        own: row.own,
        version: row.version,
        updated_at: row.updated_at,
        recipe: row.recipe.0,
    });
    Ok(stored.collect())
}

/// One of them, if it is everybody's or the user's own.
pub async fn find_outline(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: ContainerTemplateId,
) -> Result<Option<Stored>> {
    let row = query!(
        r#"select user_id is not null as "own!", version, updated_at, recipe as "recipe: Json<Outline>"
           from container_templates where id = $2 and (user_id is null or user_id = $1)"#,
        user.uuid(),
        id.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    Ok(row.map(|row| Stored {
        id,
        own: row.own,
        version: row.version,
        updated_at: row.updated_at,
        recipe: row.recipe.0,
    }))
}

/// The same with what is in its scripts and files.
pub async fn find(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: ContainerTemplateId,
) -> Result<Option<Stored<ContainerTemplate>>> {
    // One statement: an edit in between would take contents away from under the outline.
    let row = query!(
        r#"select user_id is not null as "own!", version, updated_at, recipe as "recipe: Json<Outline>",
                  array(select sha256 from container_template_contents where container_template_id = t.id order by sha256) as "hashes!",
                  array(select content from container_template_contents where container_template_id = t.id order by sha256) as "contents!"
           from container_templates t where id = $2 and (user_id is null or user_id = $1)"#,
        user.uuid(),
        id.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let contents = row.hashes.into_iter().zip(row.contents).collect();
    Ok(Some(Stored {
        id,
        own: row.own,
        version: row.version,
        updated_at: row.updated_at,
        recipe: whole(row.recipe.0, &contents)?,
    }))
}

pub(super) fn whole(mut outline: Outline, contents: &BTreeMap<String, Vec<u8>>) -> Result<ContainerTemplate> {
    let lost = "container_template_contents";
    let content = |hash: &ContentHash| contents.get(hash.as_str()).cloned().ok_or_else(corrupt(lost));
    let whole = |scripts: Vec<ScriptOutline>| {
        let script = |script: ScriptOutline| {
            let text = String::from_utf8(content(&script.sha256)?).map_err(|_| corrupt(lost)())?;
            Ok(Script { name: script.name, content: text })
        };
        scripts.into_iter().map(script).collect::<Result<Vec<_>, Error>>()
    };
    let installers = whole(std::mem::take(&mut outline.installers))?;
    let scripts = whole(std::mem::take(&mut outline.scripts))?;
    let files = std::mem::take(&mut outline.files).into_iter().map(|file| {
        let content = content(&file.sha256)?;
        Ok(TemplateFile { path: file.path, content, mode: file.mode, owner: file.owner, policy: file.policy })
    });
    let files = files.collect::<Result<Vec<_>, Error>>()?;
    Ok(outline.with(installers, scripts, files))
}

/// A content of any container template that the user sees, or of one of their uploads.
pub async fn content(pg: impl PgExecutor<'_>, user: UserId, hash: &ContentHash) -> Result<Option<Vec<u8>>> {
    let content = query_scalar!(
        r#"select content as "content!" from (
               select c.content from container_template_contents c
               join container_templates t on t.id = c.container_template_id
               where c.sha256 = $2 and (t.user_id is null or t.user_id = $1)
               union all
               select content from container_template_uploads where user_id = $1 and sha256 = $2
           ) as found limit 1"#,
        user.uuid(),
        hash.as_str(),
    )
    .fetch_optional(pg)
    .await?;
    Ok(content)
}

/// Several of them by their hash; those that the user does not see are left out.
pub async fn contents(
    pg: impl PgExecutor<'_>,
    user: UserId,
    hashes: &[ContentHash],
) -> Result<BTreeMap<ContentHash, Vec<u8>>> {
    let hashes: Vec<String> = hashes.iter().map(ToString::to_string).collect();
    let rows = query!(
        r#"select distinct on (sha256) sha256 as "sha256!", content as "content!" from (
               select c.sha256, c.content from container_template_contents c
               join container_templates t on t.id = c.container_template_id
               where c.sha256 = any($2) and (t.user_id is null or t.user_id = $1)
               union all
               select sha256, content from container_template_uploads where user_id = $1 and sha256 = any($2)
           ) as found"#,
        user.uuid(),
        &hashes,
    )
    .fetch_all(pg)
    .await?;
    rows.into_iter()
        .map(|row| Ok((decode(row.sha256, "container_template_contents.sha256")?, row.content)))
        .collect()
}

/// How many bytes [`contents`] of these would have, each counted as often as it is named.
pub async fn contents_size(pg: impl PgExecutor<'_>, user: UserId, hashes: &[ContentHash]) -> Result<u64> {
    let hashes: Vec<String> = hashes.iter().map(ToString::to_string).collect();
    let bytes = query_scalar!(
        r#"select coalesce(sum(size * times), 0)::bigint as "bytes!" from (
               select sha256, count(*) as times from unnest($2::text[]) as sha256 group by sha256
           ) as named join (
               select c.sha256, octet_length(c.content) as size from container_template_contents c
               join container_templates t on t.id = c.container_template_id
               where c.sha256 = any($2) and (t.user_id is null or t.user_id = $1)
               union
               select sha256, octet_length(content) from container_template_uploads where user_id = $1 and sha256 = any($2)
           ) as found using (sha256)"#,
        user.uuid(),
        &hashes,
    )
    .fetch_one(pg)
    .await?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}
