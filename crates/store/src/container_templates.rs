//! The recipes, as last read from disk.

use std::collections::BTreeMap;

use berth_domain::container_template::ContainerTemplate;
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::error::Result;
use crate::text;

/// What reading the recipes from disk has changed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// New ones.
    pub added: Vec<String>,
    /// Those whose recipe is another now.
    pub changed: Vec<String>,
    /// Those that are on disk no more.
    pub removed: Vec<String>,
}

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

/// Makes the table equal to what is on disk and says what that changed.
pub async fn sync(pg: &PgPool, on_disk: &[ContainerTemplate], now: OffsetDateTime) -> Result<Report> {
    let mut tx = pg.begin().await?;
    // Web and worker may both start; readers are not kept waiting.
    sqlx::query!("lock table container_templates in share row exclusive mode").execute(&mut *tx).await?;
    let mut stored: BTreeMap<String, serde_json::Value> =
        sqlx::query!("select name, recipe from container_templates")
            .fetch_all(&mut *tx)
            .await?
            .into_iter()
            .map(|row| (row.name, row.recipe))
            .collect();
    let mut report = Report::default();
    for template in on_disk {
        let recipe = text::json(template);
        match stored.remove(&template.name) {
            Some(old) if old == recipe => continue,
            Some(_) => report.changed.push(template.name.clone()),
            None => report.added.push(template.name.clone()),
        }
        sqlx::query!(
            "insert into container_templates (name, recipe, updated_at) values ($1, $2, $3)
             on conflict (name) do update set recipe = excluded.recipe, updated_at = excluded.updated_at",
            template.name,
            recipe,
            now,
        )
        .execute(&mut *tx)
        .await?;
    }
    report.removed = stored.into_keys().collect();
    sqlx::query!("delete from container_templates where name = any($1)", &report.removed)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(report)
}
