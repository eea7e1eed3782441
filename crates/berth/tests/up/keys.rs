//! The encryption key of `berth up` is changed by one command and a restart.

use std::path::Path;
use std::process::Command;

use berth_domain::HostPort;
use berth_store::crypto::Key;
use berth_store::rotation::{self, Usage};
use berth_store::{Keyring, PgPool, nodes, users};
use berth_testkit::planted;
use nix::sys::signal::Signal;

use crate::{Up, directory, log};

fn read(data: &Path, file: &str) -> String {
    std::fs::read_to_string(data.join(file)).unwrap().trim().to_owned()
}

fn keyring(key: &str) -> Keyring {
    Keyring::new(&Key::parse(&key.to_owned().into()).unwrap(), &[])
}

async fn database(data: &Path) -> PgPool {
    let url = format!("postgres://berth@localhost/berth?host={}/run&port=5432", data.display());
    berth_store::connect_postgres(&url, 1).await.unwrap()
}

/// Stores a node with three secrets.
async fn plant(data: &Path, keyring: &Keyring) {
    let (pg, now) = (database(data).await, berth_domain::Clock::system().now());
    let host: HostPort = "127.0.0.1:9".parse().unwrap();
    let user = users::upsert_login(&pg, &host, "root@pam", now).await.unwrap().id;
    let node = planted::node("attic", &host, "PLANTED");
    nodes::insert(&mut pg.acquire().await.unwrap(), user, &node, keyring, now).await.unwrap();
}

/// What `berth rotate-key` says when it is told nothing but the data directory.
fn rotate_key(data: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("BERTH_DATA_DIR", data);
    let output = command.arg("rotate-key").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_command_and_a_restart_change_the_key() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = directory();
    let data = directory.path();
    let mut up = Up::started(data);
    let first = read(data, "encryption-key");
    runtime.block_on(plant(data, &keyring(&first)));
    assert!(rotate_key(data, &[]).starts_with("0 of 3 secrets re-encrypted; 3 were current."));

    let said = rotate_key(data, &["--new-key"]);
    assert!(said.contains("Restart `berth up`"), "{said}");
    assert_eq!(read(data, "encryption-key"), first, "what runs goes on with its key");
    assert!(rotate_key(data, &[]).starts_with("0 of 3 secrets re-encrypted; 3 were current."));
    assert_eq!(up.signal(Signal::SIGTERM).code(), Some(0), "{}", log(data));

    let _up = Up::started(data);
    let second = keyring(&read(data, "encryption-key"));
    assert_eq!(read(data, "old-encryption-keys"), first);
    assert!(said.contains(&second.current().to_string()), "{said}");
    let usage = runtime.block_on(async { rotation::usage(&database(data).await).await.unwrap() });
    assert_eq!(usage, Usage::from([(Some(second.current()), 3)]));
    assert!(rotate_key(data, &[]).starts_with("0 of 3 secrets re-encrypted; 3 were current."));
}
