//! The recipes, as last read from disk.

use berth_domain::container_template::ContainerTemplate;
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool, Postgres, Transaction};
use time::OffsetDateTime;

use crate::error::Result;
use crate::text;

/// All of them by title.
pub async fn list(pg: impl PgExecutor<'_>) -> Result<Vec<ContainerTemplate>> {
    let recipes = sqlx::query_scalar!(
        r#"select recipe as "recipe: Json<ContainerTemplate>" from container_templates
           order by lower(recipe ->> 'title'), name"#
    )
    .fetch_all(pg)
    .await?;
    Ok(recipes.into_iter().map(|Json(recipe)| recipe).collect())
}

/// One of them.
pub async fn find(pg: impl PgExecutor<'_>, name: &str) -> Result<Option<ContainerTemplate>> {
    let recipe = sqlx::query_scalar!(
        r#"select recipe as "recipe: Json<ContainerTemplate>" from container_templates where name = $1"#,
        name
    )
    .fetch_optional(pg)
    .await?;
    Ok(recipe.map(|Json(recipe)| recipe))
}

/// What became of a recipe that was read from disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is what it was.
    Same,
    /// There was none of its name.
    Added,
    /// It was another one: the old one, unless that cannot be read any more.
    Changed(Option<Box<ContainerTemplate>>),
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
        sqlx::query!("select pg_advisory_xact_lock(hashtext('container templates on disk'))")
            .execute(&mut *tx)
            .await?;
        Ok(Self { tx, on_disk: Vec::new() })
    }

    /// Stores a recipe as it is on disk now.
    pub async fn put(&mut self, recipe: &ContainerTemplate, now: OffsetDateTime) -> Result<Put> {
        self.on_disk.push(recipe.name.clone());
        let value = text::json(recipe);
        let stored = sqlx::query_scalar!(
            "select case when recipe = $2 then null else recipe end from container_templates where name = $1",
            recipe.name,
            value,
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let put = match stored {
            Some(None) => return Ok(Put::Same),
            Some(Some(old)) => Put::Changed(serde_json::from_value(old).ok().map(Box::new)),
            None => Put::Added,
        };
        sqlx::query!(
            "insert into container_templates (name, recipe, updated_at) values ($1, $2, $3)
             on conflict (name) do update set recipe = excluded.recipe, updated_at = excluded.updated_at",
            recipe.name,
            value,
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(put)
    }

    /// Leaves what was read of it before as it is; whether there is anything.
    pub async fn keep(&mut self, name: &str) -> Result<bool> {
        self.on_disk.push(name.into());
        let kept = sqlx::query_scalar!(
            r#"select exists (select from container_templates where name = $1) as "kept!""#,
            name
        );
        Ok(kept.fetch_one(&mut *self.tx).await?)
    }

    /// Removes what was neither put nor kept, answers its names, and lets all of it be seen.
    pub async fn finish(mut self) -> Result<Vec<String>> {
        let mut removed = sqlx::query_scalar!(
            "delete from container_templates where name <> all($1) returning name",
            &self.on_disk
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.tx.commit().await?;
        removed.sort();
        Ok(removed)
    }
}
