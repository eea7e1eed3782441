//! A database of a test's own.

use std::fmt::Write as _;

use berth_store::PgPool;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

/// A migrated database beside the one that `DATABASE_URL` names; it is dropped with this.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
    /// Names it for processes.
    pub url: String,
    /// The test's own connections.
    pub pool: PgPool,
}

impl Database {
    /// Creates and migrates it.
    pub async fn create() -> Self {
        let server = std::env::var("DATABASE_URL").expect("run the tests under scripts/with-services");
        let name = format!("testkit_{}", berth_domain::CreationId::new().uuid().simple());
        execute(&server, format!("create database {name}")).await.unwrap();
        let mut url = Url::parse(&server).unwrap();
        url.set_path(&name);
        let url = String::from(url);
        let pool = berth_store::connect_postgres(&url, 4).await.unwrap();
        berth_store::migrate(&pool).await.unwrap();
        Self { server, name, url, pool }
    }

    /// Breaks all connections to it and takes no new ones for as long as `meanwhile` takes.
    pub async fn away(&self, meanwhile: impl Future<Output = ()>) {
        let allow = |yes: bool| {
            execute(&self.server, format!("alter database {} allow_connections {yes}", self.name))
        };
        allow(false).await.unwrap();
        let end =
            format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name);
        execute(&self.server, end).await.unwrap();
        meanwhile.await;
        allow(true).await.unwrap();
    }

    /// Runs a statement in a transaction that lasts until the answer is dropped, with all the locks it takes.
    pub async fn hold(&self, statement: &'static str) -> sqlx::PgTransaction<'static> {
        let mut transaction = self.pool.begin().await.unwrap();
        sqlx::raw_sql(statement).execute(&mut *transaction).await.unwrap();
        transaction
    }

    /// Whether somebody waits for a lock.
    pub async fn waiting(&self) -> bool {
        let waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        sqlx::query_scalar(waiting).fetch_one(&self.pool).await.unwrap()
    }

    /// All data as `pg_dump` writes it, and behind it every value of bytes as it is.
    pub fn dump(&self) -> String {
        let output =
            std::process::Command::new("pg_dump").args(["--data-only", "--dbname", &self.url]).output();
        let output = output.expect("pg_dump comes with PostgreSQL");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut text = String::from_utf8(output.stdout).unwrap();
        let digits = |part: &str| part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len()) / 2 * 2;
        let values: Vec<Vec<u8>> =
            text.split("\\\\x").skip(1).filter_map(|part| hex::decode(&part[..digits(part)]).ok()).collect();
        for value in values {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&value));
        }
        text
    }

    /// Every row of every table as text.
    pub async fn text(&self) -> String {
        let tables: Vec<String> = sqlx::query_scalar(
            "select quote_ident(table_name) from information_schema.tables where table_schema = 'public'",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let mut text = String::new();
        for table in tables {
            let rows = AssertSqlSafe(format!("select t::text from {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&self.pool).await.unwrap();
            writeln!(text, "{table}\n{}", rows.join("\n")).expect("a String takes all");
        }
        text
    }
}

async fn execute(server: &str, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime cannot be waited for here.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&server, format!("drop database {name} with (force)")))
        });
        if let Err(error) = dropping.join().expect("dropping a database does not panic")
            && !std::thread::panicking()
        {
            panic!("the database {} could not be dropped: {error}", self.name);
        }
    }
}
