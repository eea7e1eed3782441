//! What a person sees who starts Berth with something missing or wrong.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::process::{Command, Output};

fn berth(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    // Of this process' environment only what a program needs.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
    command.args(arguments).envs(environment.iter().copied()).output().unwrap()
}

fn errors(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect()
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NOWHERE: &[(&str, &str)] = &[
    ("BERTH_DATABASE_URL", "postgres://berth:planted@localhost/berth?host=/nonexistent"),
    ("BERTH_REDIS_URL", "redis+unix:///nonexistent/redis.sock"),
    ("BERTH_ENCRYPTION_KEY", KEY),
];

#[test]
fn missing_configuration_is_one_line_each_and_exit_code_2() {
    for command in ["web", "worker", "check"] {
        let output = berth(&[command], &[]);
        assert_eq!(output.status.code(), Some(2), "{command}: {output:?}");
        let names: Vec<String> =
            errors(&output).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["BERTH_DATABASE_URL", "BERTH_REDIS_URL", "BERTH_ENCRYPTION_KEY"], "{command}");
    }
}

#[test]
fn every_wrong_variable_is_named_at_once_and_no_secret_is_shown() {
    let output = berth(
        &["up"],
        &[
            ("BERTH_LISTEN", "everywhere"),
            ("BERTH_LEASE_SECONDS", "1"),
            ("BERTH_DATABASE_URL", "mysql://u:planted@h/d"),
        ],
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let errors = errors(&output);
    assert_eq!(errors.len(), 3, "{errors:?}");
    for (name, remedy) in [
        ("BERTH_LISTEN", "127.0.0.1:8080"),
        ("BERTH_LEASE_SECONDS", "2 to 3600"),
        ("BERTH_DATABASE_URL", "postgres://"),
    ] {
        assert!(
            errors.iter().any(|line| line.starts_with(name) && line.contains(remedy)),
            "{name}: {errors:?}"
        );
    }
    assert!(!errors.concat().contains("planted"), "{errors:?}");
}

#[test]
fn check_says_what_it_reaches_and_what_not() {
    let typo = [("BERTH_LISTN", "127.0.0.1:1"), ("BERTH_CONTAINER_TEMPLATES", "/nonexistent")];
    let output = berth(&["check"], &[NOWHERE, &typo].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "ok       configuration",
        "wrong    PostgreSQL",
        "wrong    Redis",
        "wrong    container templates",
        "did you mean BERTH_LISTEN?",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("planted"), "{said}");
}

#[test]
fn rotate_key_needs_a_database_and_a_key_and_nothing_else() {
    let nowhere = ("BERTH_DATA_DIR", "/nonexistent");
    let output = berth(&["rotate-key"], &[nowhere]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let names: Vec<String> =
        errors(&output).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["BERTH_DATABASE_URL", "BERTH_ENCRYPTION_KEY"]);
    let output = berth(&["rotate-key"], &[NOWHERE[0], NOWHERE[2], nowhere]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(errors(&output)[0].contains("PostgreSQL"), "{output:?}");
    let output = berth(&["rotate-key", "--new-key"], &[nowhere]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(errors(&output)[0].contains("/nonexistent"), "{output:?}");
}

#[test]
fn an_unreachable_database_fails_with_a_sentence_and_exit_code_1() {
    let output = berth(&["migrate"], NOWHERE);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = errors(&output);
    assert!(errors.len() == 1 && errors[0].contains("PostgreSQL"), "{errors:?}");
}

#[test]
fn a_command_line_that_is_not_understood_is_exit_code_2() {
    for arguments in [
        &["bertha"][..],
        &[],
        &["login-host", "add", "https://pve.lan/"],
        &["login-host", "accept-certificate", "pve.lan", "AB:CD"],
        &["rotate-key", "--forget", "not-an-id"],
        &["rotate-key", "--forget", "0a0b0c0d", "--new-key"],
    ] {
        assert_eq!(berth(arguments, NOWHERE).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn help_exists_for_every_command() {
    let help = String::from_utf8(berth(&["--help"], &[]).stdout).unwrap();
    for command in ["web", "worker", "up", "migrate", "check", "login-host", "rotate-key"] {
        assert!(help.contains(&format!("  {command} ")), "{command}: {help}");
        assert!(berth(&[command, "--help"], &[]).status.success(), "{command}");
    }
    for verb in ["list", "add", "remove", "accept-certificate"] {
        assert!(berth(&["login-host", verb, "--help"], &[]).status.success(), "{verb}");
    }
}
