//! The private services come up as this user, twice, and over whatever a killed run left.

use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::postgres::Postgres;
use super::redis::Redis;
use super::supervise::{End, Unit};
use super::*;

struct Running(CancellationToken, Vec<JoinHandle<anyhow::Result<End>>>);

impl Running {
    fn start(units: impl IntoIterator<Item = Unit>) -> Self {
        let stop = CancellationToken::new();
        let run = |unit: Unit| tokio::spawn(unit.supervise(stop.clone(), Duration::from_secs(20)));
        let units = units.into_iter().map(run).collect();
        Self(stop, units)
    }

    async fn stop(self) {
        self.0.cancel();
        for unit in self.1 {
            assert!(matches!(unit.await.unwrap().unwrap(), End::Stopped));
        }
    }
}

/// A short directory that PostgreSQL's user may enter.
fn directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

fn place(directory: &Path) -> Place {
    Place::take(directory, Account::of_process().unwrap()).unwrap()
}

/// What the database answers to a statement.
async fn sql(postgres: &Postgres, statement: &str) -> String {
    let output = Command::new("psql").arg(postgres.url()).args(["-tAc", statement]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn both_keep_what_was_written_over_a_restart() {
    let directory = directory();
    for statement in ["create table kept(n int); insert into kept values (7)", "select n from kept"] {
        let place = place(directory.path());
        let (postgres, redis) =
            (Postgres::prepare(&place).await.unwrap(), Redis::prepare(&place).await.unwrap());
        let running = Running::start([postgres.unit(), redis.unit()]);
        postgres.ready().await.unwrap();
        redis.ready().await.unwrap();
        let answer = sql(&postgres, statement).await;
        assert!(statement.starts_with("create") || answer == "7", "{answer}");
        running.stop().await;
    }
}

#[tokio::test]
async fn two_at_once_do_not_meet() {
    let (one, two) = (directory(), directory());
    let places = [place(one.path()), place(two.path())];
    let (first, second) =
        (Postgres::prepare(&places[0]).await.unwrap(), Postgres::prepare(&places[1]).await.unwrap());
    let running = Running::start([first.unit(), second.unit()]);
    first.ready().await.unwrap();
    second.ready().await.unwrap();
    sql(&first, "create table only_here()").await;
    assert_eq!(sql(&second, "select to_regclass('only_here') is null").await, "t");
    running.stop().await;
}

#[tokio::test]
async fn interrupted_and_damaged_leftovers_are_no_obstacle() {
    let directory = directory();
    let place = place(directory.path());
    for unfinished in ["data", "data.new"] {
        let path = place.directory("postgres").unwrap().join(unfinished);
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("PG_VERSION"), "15\n").unwrap();
    }
    std::fs::write(place.directory("redis").unwrap().join("dump.rdb"), "not a dump").unwrap();
    std::fs::write(place.run.join("redis.pid"), format!("{}\n", std::process::id())).unwrap();
    let (postgres, redis) = (Postgres::prepare(&place).await.unwrap(), Redis::prepare(&place).await.unwrap());
    let running = Running::start([postgres.unit(), redis.unit()]);
    postgres.ready().await.unwrap();
    redis.ready().await.unwrap();
    assert_eq!(sql(&postgres, "select 1").await, "1");
    running.stop().await;
}

#[tokio::test]
async fn servers_that_a_killed_run_left_are_ended_first() {
    let directory = directory();
    let place = place(directory.path());
    let (postgres, redis) = (Postgres::prepare(&place).await.unwrap(), Redis::prepare(&place).await.unwrap());
    for unit in [postgres.unit(), redis.unit()] {
        // Nobody watches it any more, as after kill -9 where there is no setpriv.
        std::mem::forget(unit.spawn().unwrap());
    }
    postgres.ready().await.unwrap();
    redis.ready().await.unwrap();
    sql(&postgres, "create table kept()").await;

    let (postgres, redis) = (Postgres::prepare(&place).await.unwrap(), Redis::prepare(&place).await.unwrap());
    let running = Running::start([postgres.unit(), redis.unit()]);
    postgres.ready().await.unwrap();
    redis.ready().await.unwrap();
    assert_eq!(sql(&postgres, "select to_regclass('kept')").await, "kept");
    running.stop().await;
}
