use berth_store::PgPool;
use sqlx::Row as _;

use crate::support::{held_by, keyring};

/// Each row of each table as text, bytes as hexadecimal digits.
async fn dump(pg: &PgPool) -> String {
    let tables = sqlx::query("select tablename from pg_tables where schemaname = 'public'")
        .fetch_all(pg)
        .await
        .unwrap();
    let mut all = String::new();
    for table in tables {
        let statement = format!("select t::text as row from \"{}\" t", table.get::<String, _>(0));
        for row in sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(pg).await.unwrap() {
            all.push_str(&row.get::<String, _>(0));
        }
    }
    all
}

#[sqlx::test(migrations = "../../migrations")]
async fn planted_secrets_are_not_in_postgres(pg: PgPool) {
    held_by(&pg, "w1").await;
    let dump = dump(&pg).await;
    assert!(dump.contains("ct100") && dump.contains("root@pam!berth"), "the dump holds what it should");
    // As text, as hexadecimal digits, as base64.
    for trace in ["PLANTED", "504c414e544544", "UExBTlRFR"] {
        assert!(!dump.contains(trace), "{trace}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn debug_shows_no_secret(pg: PgPool) {
    let (user, _) = held_by(&pg, "w1").await;
    let node = berth_store::nodes::find_default(&pg, user).await.unwrap().unwrap();
    let opened = berth_store::nodes::credentials(&pg, user, node.id, &keyring()).await.unwrap();
    let shown = format!("{opened:?} {:?} {:?}", crate::support::new_node("x"), keyring());
    assert!(shown.contains("REDACTED") && !shown.contains("PLANTED"), "{shown}");
}

#[tokio::test]
async fn a_url_that_does_not_parse_is_not_repeated() {
    let url = "postgres//berth:PLANTED@host";
    let errors = [
        berth_store::connect_postgres(url, 1).await.map(drop).unwrap_err().to_string(),
        berth_store::Redis::connect("redis:PLANTED@:x", 1).await.map(drop).unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.contains("does not parse") && !error.contains("PLANTED"), "{error}");
    }
}
