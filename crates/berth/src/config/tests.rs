use std::ffi::OsString;

use berth_operations::context::LoginHosts;
use secrecy::ExposeSecret as _;

use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn variables(pairs: &[(&str, &str)]) -> Variables {
    Variables::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))))
}

fn config(pairs: &[(&str, &str)]) -> Result<Config, String> {
    let mut variables = variables(pairs);
    let config = Config::read(&mut variables);
    variables.finish(config).map_err(|wrong| wrong.to_string())
}

fn connections(pairs: &[(&str, &str)]) -> Result<Connections, String> {
    let mut variables = variables(pairs);
    let connections = Connections::read(&mut variables);
    variables.finish(connections).map_err(|wrong| wrong.to_string())
}

#[test]
fn an_empty_environment_has_safe_defaults() {
    let config = config(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.login_hosts, LoginHosts::Claim);
    assert_eq!(config.login_attempts, LoginAttempts { count: 10, window: Duration::from_mins(5) });
    assert!(config.trusted_proxies.is_empty());
    assert_eq!((config.worker_concurrency, config.lease), (2, Duration::from_secs(30)));
    assert_eq!(config.node_check, Duration::from_secs(30));
    assert_eq!(config.container_templates, PathBuf::from("container-templates"));
    assert!(config.data_dir.ends_with("berth"));
    assert_eq!(config.metrics_listen, None);
    assert_eq!(config.log, Log { filter: "info".to_owned(), format: LogFormat::Auto });
}

#[test]
fn every_variable_takes_effect() {
    let config = config(&[
        ("BERTH_LISTEN", "[::1]:9000"),
        ("BERTH_PUBLIC_URL", "https://berth.example.org"),
        ("BERTH_LOGIN_HOSTS", "pve.lan, 10.0.0.2:8007"),
        ("BERTH_LOGIN_ATTEMPTS", "3/90s"),
        ("BERTH_TRUSTED_PROXIES", "10.0.0.5, 192.168.1.0/24"),
        ("BERTH_WORKER_CONCURRENCY", "4"),
        ("BERTH_LEASE_SECONDS", "60"),
        ("BERTH_NODE_CHECK_SECONDS", "10"),
        ("BERTH_CONTAINER_TEMPLATES", "/srv/recipes"),
        ("BERTH_DATA_DIR", "/srv/berth"),
        ("BERTH_METRICS_LISTEN", "127.0.0.1:9090"),
        ("BERTH_LOG", "warn,berth_web=debug"),
        ("BERTH_LOG_FORMAT", "json"),
    ])
    .unwrap();
    assert_eq!(config.listen.to_string(), "[::1]:9000");
    assert_eq!(config.public_url.as_str(), "https://berth.example.org/");
    let hosts = ["pve.lan:8006", "10.0.0.2:8007"].map(|host| host.parse().unwrap());
    assert_eq!(config.login_hosts, LoginHosts::List(hosts.to_vec()));
    assert_eq!(config.login_attempts, LoginAttempts { count: 3, window: Duration::from_secs(90) });
    let proxies: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.5/32", "192.168.1.0/24"]);
    assert_eq!((config.worker_concurrency, config.lease), (4, Duration::from_mins(1)));
    assert_eq!(config.node_check, Duration::from_secs(10));
    assert_eq!(config.container_templates, PathBuf::from("/srv/recipes"));
    assert_eq!(config.data_dir, PathBuf::from("/srv/berth"));
    assert_eq!(config.metrics_listen.unwrap().port(), 9090);
    assert_eq!(config.log, Log { filter: "warn,berth_web=debug".to_owned(), format: LogFormat::Json });
}

#[test]
fn each_wrong_value_is_one_line_with_its_name_and_the_remedy() {
    for (name, value, remedy) in [
        ("BERTH_LISTEN", "8080", "127.0.0.1:8080"),
        ("BERTH_PUBLIC_URL", "berth.example.org", "https://berth.example.org"),
        ("BERTH_PUBLIC_URL", "https://berth.example.org/sub/", "without a path"),
        ("BERTH_LOGIN_HOSTS", "https://pve.lan", "host:port"),
        ("BERTH_LOGIN_ATTEMPTS", "10", "10/5m"),
        ("BERTH_LOGIN_ATTEMPTS", "0/5m", "10/5m"),
        ("BERTH_LOGIN_ATTEMPTS", "10/5€", "10/5m"),
        ("BERTH_TRUSTED_PROXIES", "10.0.0.0/33", "192.168.1.0/24"),
        ("BERTH_WORKER_CONCURRENCY", "0", "from 1 to 64"),
        ("BERTH_LEASE_SECONDS", "1", "from 2 to 3600"),
        ("BERTH_NODE_CHECK_SECONDS", "0", "from 1 to 3600"),
        ("BERTH_METRICS_LISTEN", "localhost", "127.0.0.1:8080"),
        ("BERTH_LOG", "info,=debug=", "berth_worker=debug"),
        ("BERTH_LOG_FORMAT", "xml", "auto, human or json"),
    ] {
        let error = config(&[(name, value)]).unwrap_err();
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(error.contains(value.trim_start_matches("https:")) && error.contains(remedy), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn all_wrong_values_are_reported_at_once() {
    let error = config(&[("BERTH_LISTEN", "x"), ("BERTH_LEASE_SECONDS", "y"), ("BERTH_LOG_FORMAT", "z")])
        .unwrap_err();
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn connections_are_required_and_their_values_never_shown() {
    let error = connections(&[]).unwrap_err();
    for name in
        ["BERTH_DATABASE_URL: is not set", "BERTH_REDIS_URL: is not set", "BERTH_ENCRYPTION_KEY: is not set"]
    {
        assert!(error.contains(name), "{error}");
    }
    let error = connections(&[
        ("BERTH_DATABASE_URL", "mysql://u:planted@h/d"),
        ("BERTH_REDIS_URL", "rediss://:planted@h"),
        ("BERTH_ENCRYPTION_KEY", "planted"),
    ])
    .unwrap_err();
    assert_eq!(error.lines().count(), 3, "{error}");
    assert!(!error.contains("planted"), "{error}");
}

#[test]
fn secrets_come_from_files_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("url"), "postgres://berth@localhost/berth\n").unwrap();
    std::fs::write(path("key"), format!("{KEY}\n")).unwrap();
    std::fs::write(path("empty"), "\n").unwrap();
    let (url, key, redis) = (path("url"), path("key"), ("BERTH_REDIS_URL", "redis://localhost"));
    let by_file = [("BERTH_DATABASE_URL_FILE", url.as_str()), ("BERTH_ENCRYPTION_KEY_FILE", &key), redis];
    let read = connections(&by_file).unwrap();
    assert_eq!(read.database_url.expose_secret(), "postgres://berth@localhost/berth");
    assert_eq!(read.redis_url.expose_secret(), "redis://localhost");

    let both = connections(&[by_file.as_slice(), &[("BERTH_ENCRYPTION_KEY", KEY)]].concat()).unwrap_err();
    assert!(both.contains("remove one of them"), "{both}");
    for bad in [path("absent"), path("empty")] {
        let error = connections(&[("BERTH_ENCRYPTION_KEY_FILE", &bad), by_file[0], redis]).unwrap_err();
        assert!(error.starts_with("BERTH_ENCRYPTION_KEY_FILE: ") && error.contains(&bad), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn old_keys_are_a_list_that_may_be_empty_and_is_never_shown() {
    const OLDER: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("old").to_str().unwrap().to_owned();
    let key = ("BERTH_ENCRYPTION_KEY", KEY);
    let ids = |pairs: &[(&str, &str)]| {
        let mut variables = variables(pairs);
        let keys = Keys::read(&mut variables);
        let keys = variables.finish(keys).map_err(|wrong| wrong.to_string())?;
        Ok::<_, String>(keys.keyring().ids().map(|id| id.to_string()).collect::<Vec<_>>())
    };
    let (current, older) = ("630dcd29", "72cd6e84");
    assert_eq!(ids(&[key]).unwrap(), [current]);
    for (list, expected) in [
        (OLDER.to_owned(), &[current, older][..]),
        (format!("{OLDER},{KEY}"), &[current, older, current]),
        (format!(" {OLDER}\n{KEY} ,\n"), &[current, older, current]),
        ("\n".to_owned(), &[current]),
    ] {
        std::fs::write(&file, &list).unwrap();
        assert_eq!(ids(&[key, ("BERTH_OLD_ENCRYPTION_KEYS_FILE", &file)]).unwrap(), expected);
        assert_eq!(ids(&[key, ("BERTH_OLD_ENCRYPTION_KEYS", &list)]).unwrap(), expected);
    }
    let error = ids(&[key, ("BERTH_OLD_ENCRYPTION_KEYS", &format!("{OLDER} planted"))]).unwrap_err();
    assert!(error.starts_with("BERTH_OLD_ENCRYPTION_KEYS: key number 2 "), "{error}");
    assert!(!error.contains("planted") && error.lines().count() == 1, "{error}");
    let error = ids(&[key, ("BERTH_OLD_ENCRYPTION_KEYS_FILE", "/nonexistent")]).unwrap_err();
    assert!(error.starts_with("BERTH_OLD_ENCRYPTION_KEYS_FILE: cannot read /nonexistent"), "{error}");
}

#[test]
fn what_up_was_given_is_checked_but_not_required() {
    let mut empty = variables(&[]);
    let given = Given::read(&mut empty);
    assert!(!given.database && !given.redis && !given.key);
    assert!(empty.finish(Some(())).is_ok());

    let mut alone = variables(&[("BERTH_OLD_ENCRYPTION_KEYS", KEY)]);
    assert!(!Given::read(&mut alone).key);
    let error = alone.finish(Some(())).unwrap_err().to_string();
    assert!(error.starts_with("BERTH_OLD_ENCRYPTION_KEYS: is set without BERTH_ENCRYPTION_KEY"), "{error}");

    let mut wrong = variables(&[("BERTH_REDIS_URL", "localhost"), ("BERTH_ENCRYPTION_KEY", KEY)]);
    let given = Given::read(&mut wrong);
    assert!(!given.redis && given.key);
    assert!(wrong.finish(Some(())).unwrap_err().to_string().starts_with("BERTH_REDIS_URL: "));
}

#[test]
fn unknown_variables_are_named_with_what_was_meant() {
    let warnings = variables(&[
        ("BERTH_LISTN", "x"),
        ("BERTH_ENCRYPTION_KEYFILE", "x"),
        ("BERTH_FOO", "x"),
        ("BERTH_LOG", "info"),
        ("PATH", "/bin"),
    ])
    .unknown();
    assert_eq!(
        warnings,
        [
            "BERTH_ENCRYPTION_KEYFILE is not a variable of Berth: did you mean BERTH_ENCRYPTION_KEY_FILE?",
            "BERTH_FOO is not a variable of Berth: did you mean BERTH_LOG?",
            "BERTH_LISTN is not a variable of Berth: did you mean BERTH_LISTEN?",
        ]
    );
}

#[test]
fn the_example_file_names_every_variable_and_nothing_else() {
    let example = include_str!("../../../../.env.example");
    let named: Vec<&str> = example
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .filter(|name| name.starts_with("BERTH_"))
        .collect();
    for (name, _) in variables::NAMES {
        assert!(named.contains(name), ".env.example does not name {name}");
    }
    assert!(variables(&named.iter().map(|name| (*name, "x")).collect::<Vec<_>>()).unknown().is_empty());
}

#[test]
fn the_example_files_own_values_are_right() {
    let example = include_str!("../../../../.env.example");
    let pairs: Vec<(&str, &str)> = example
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']))
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.starts_with("BERTH_") && !name.ends_with("_FILE"))
        .collect();
    config(&pairs).unwrap();
}
