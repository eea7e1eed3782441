//! Those found on disk, as last read.

use berth_domain::ContainerTemplateId;
use berth_domain::container_template::{ContainerTemplate, Outline, Stored};
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool, Postgres, Transaction, query, query_scalar};
use time::OffsetDateTime;

use super::{parts, replace_contents};
use crate::error::Result;
use crate::text;

/// The one whose folder has this name.
pub async fn find_on_disk(pg: impl PgExecutor<'_>, name: &str) -> Result<Option<Stored>> {
    let row = query!(
        r#"select id, version, updated_at, recipe as "recipe: Json<Outline>" from container_templates
           where name = $1 and user_id is null"#,
        name,
    )
    .fetch_optional(pg)
    .await?;
    Ok(row.map(|row| Stored {
        id: row.id.into(),
        own: false,
        version: row.version,
        updated_at: row.updated_at,
        recipe: row.recipe.0,
    }))
}

/// What became of a recipe that was read from disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is what it was.
    Same,
    /// There was none of its name.
    Added,
    /// It was another one.
    Changed {
        /// What it was, unless that cannot be read any more.
        old: Option<Box<Outline>>,
        /// What it is now.
        new: Box<Outline>,
    },
}

/// The recipes on disk, put into the table one after the other. Nothing of it is seen before [`Sync::finish`], and nothing is left of it without.
pub struct Sync {
    tx: Transaction<'static, Postgres>,
    on_disk: Vec<String>,
}

impl Sync {
    /// Begins, once no other process is at it.
    pub async fn begin(pg: &PgPool) -> Result<Self> {
        let mut tx = pg.begin().await?;
        query!("select pg_advisory_xact_lock(hashtext('container templates on disk'))")
            .execute(&mut *tx)
            .await?;
        Ok(Self { tx, on_disk: Vec::new() })
    }

    /// Stores a recipe as it is on disk now.
    pub async fn put(&mut self, recipe: &ContainerTemplate, now: OffsetDateTime) -> Result<Put> {
        self.on_disk.push(recipe.name.clone());
        let (outline, contents) = parts(recipe);
        let value = text::json(&outline);
        let stored = query_scalar!(
            "select case when recipe = $2 then null else recipe end from container_templates
             where name = $1 and user_id is null",
            recipe.name,
            value,
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let put = match stored {
            Some(None) => return Ok(Put::Same),
            Some(Some(old)) => {
                Put::Changed { old: serde_json::from_value(old).ok().map(Box::new), new: Box::new(outline) }
            }
            None => Put::Added,
        };
        let id = query_scalar!(
            "insert into container_templates (id, name, recipe, version, created_at, updated_at)
             values ($1, $2, $3, 1, $4, $4)
             on conflict (name) where user_id is null do update
             set recipe = excluded.recipe, version = container_templates.version + 1, updated_at = excluded.updated_at
             returning id",
            ContainerTemplateId::new().uuid(),
            recipe.name,
            value,
            now,
        )
        .fetch_one(&mut *self.tx)
        .await?;
        replace_contents(&mut self.tx, id, &contents).await?;
        Ok(put)
    }

    /// Leaves what was read of it before as it is; whether there is anything.
    pub async fn keep(&mut self, name: &str) -> Result<bool> {
        self.on_disk.push(name.into());
        let kept = query_scalar!(
            r#"select exists (select from container_templates where name = $1 and user_id is null) as "kept!""#,
            name,
        );
        Ok(kept.fetch_one(&mut *self.tx).await?)
    }

    /// Removes what was neither put nor kept, answers its names, and lets all of it be seen.
    pub async fn finish(mut self) -> Result<Vec<String>> {
        let mut removed = query_scalar!(
            "delete from container_templates where user_id is null and name <> all($1) returning name",
            &self.on_disk,
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.tx.commit().await?;
        removed.sort();
        Ok(removed)
    }
}
