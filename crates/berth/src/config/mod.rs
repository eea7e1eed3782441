//! Berth's configuration: environment variables, checked all at once when a command starts.

pub(crate) mod keys;
mod parse;
mod suggest;
#[cfg(test)]
mod tests;
mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use berth_operations::context::LoginHosts;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub(crate) use keys::Keys;
pub(crate) use variables::{Variables, Wrong};

/// How many logins may be tried in a time, per client address and per account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginAttempts {
    /// Attempts.
    pub(crate) count: u32,
    /// In this time.
    pub(crate) window: Duration,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What Berth writes to its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// In `tracing-subscriber`'s notation.
    pub(crate) filter: String,
    /// As what.
    pub(crate) format: LogFormat,
}

/// What is needed to reach the stored state.
#[derive(Debug)]
pub(crate) struct Connections {
    /// PostgreSQL.
    pub(crate) database_url: SecretString,
    /// Redis.
    pub(crate) redis_url: SecretString,
    /// What stored secrets are sealed with.
    pub(crate) keys: Keys,
}

impl Connections {
    /// Reads them; all three are required.
    pub(crate) fn read(variables: &mut Variables) -> Option<Self> {
        let database_url = database_url(variables);
        let redis =
            "name your Redis, for example redis://localhost:6379, or use `berth up`, which starts one";
        let redis_url = variables.required_secret("BERTH_REDIS_URL", redis);
        let redis_url = redis_url.and_then(|url| checked_redis(variables, url));
        let keys = Keys::read(variables);
        Some(Self { database_url: database_url?, redis_url: redis_url?, keys: keys? })
    }
}

/// PostgreSQL's address; required.
pub(crate) fn database_url(variables: &mut Variables) -> Option<SecretString> {
    let remedy = "name your PostgreSQL, for example postgres://berth:PASSWORD@localhost/berth, or use `berth up`, which starts one";
    let url = variables.required_secret("BERTH_DATABASE_URL", remedy)?;
    checked_database(variables, url)
}

/// What `berth up` was given, and what it therefore has to provide itself.
#[derive(Debug)]
pub(crate) struct Given {
    /// `BERTH_DATABASE_URL` is set.
    pub(crate) database: bool,
    /// `BERTH_REDIS_URL` is set.
    pub(crate) redis: bool,
    /// `BERTH_ENCRYPTION_KEY` is set.
    pub(crate) key: bool,
}

impl Given {
    /// Reads and checks what is there; nothing is required.
    pub(crate) fn read(variables: &mut Variables) -> Self {
        let database = variables.secret("BERTH_DATABASE_URL");
        let redis = variables.secret("BERTH_REDIS_URL");
        Self {
            database: database.and_then(|url| checked_database(variables, url)).is_some(),
            redis: redis.and_then(|url| checked_redis(variables, url)).is_some(),
            key: keys::are_given(variables),
        }
    }
}

fn checked_database(variables: &mut Variables, url: SecretString) -> Option<SecretString> {
    if parse::is_database_url(&url) {
        return Some(url);
    }
    variables.wrong(
        "BERTH_DATABASE_URL",
        "is not an address of PostgreSQL: write postgres://USER:PASSWORD@HOST/DATABASE",
    );
    None
}

fn checked_redis(variables: &mut Variables, url: SecretString) -> Option<SecretString> {
    if parse::is_redis_url(&url) {
        return Some(url);
    }
    variables.wrong(
        "BERTH_REDIS_URL",
        "is not an address of Redis: write redis://HOST:6379 or redis+unix:///path/redis.sock",
    );
    None
}

/// Everything that has a default.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where pages are served.
    pub(crate) listen: SocketAddr,
    /// How browsers reach Berth.
    pub(crate) public_url: Url,
    /// Who may log people in.
    pub(crate) login_hosts: LoginHosts,
    /// How often they may try.
    pub(crate) login_attempts: LoginAttempts,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Creations at once in one worker.
    pub(crate) worker_concurrency: u16,
    /// How long a dead worker's creation waits for another.
    pub(crate) lease: Duration,
    /// How often each node's API is asked how it is.
    pub(crate) node_check: Duration,
    /// Where container templates are found on disk.
    pub(crate) container_templates: PathBuf,
    /// Where `berth up` keeps what it starts.
    pub(crate) data_dir: PathBuf,
    /// Where Prometheus may ask; nowhere when absent.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// What is logged.
    pub(crate) log: Log,
}

impl Config {
    /// Reads all of it; `None` when anything is wrong, which `variables` then knows.
    pub(crate) fn read(variables: &mut Variables) -> Option<Self> {
        let listen =
            variables.read("BERTH_LISTEN", || SocketAddr::from(([127, 0, 0, 1], 8080)), parse::socket);
        let public_url = variables.read("BERTH_PUBLIC_URL", || url_of(listen), parse::public_url);
        let login_hosts = variables.read("BERTH_LOGIN_HOSTS", || LoginHosts::Claim, parse::login_hosts);
        let ten = LoginAttempts { count: 10, window: Duration::from_mins(5) };
        let login_attempts = variables.read("BERTH_LOGIN_ATTEMPTS", || ten, parse::login_attempts);
        let trusted_proxies = variables.read("BERTH_TRUSTED_PROXIES", Vec::new, parse::networks);
        let concurrency = variables.read("BERTH_WORKER_CONCURRENCY", || 2, |text| parse::number(text, 1, 64));
        let lease = variables.read("BERTH_LEASE_SECONDS", || 30, |text| parse::number(text, 2, 3600));
        let node_check =
            variables.read("BERTH_NODE_CHECK_SECONDS", || 30, |text| parse::number(text, 1, 3600));
        let recipes = || PathBuf::from("container-templates");
        let container_templates =
            variables.read("BERTH_CONTAINER_TEMPLATES", recipes, |text| Ok(text.into()));
        let data_dir = variables.read("BERTH_DATA_DIR", default_data_dir, |text| Ok(text.into()));
        let metrics_listen =
            variables.read("BERTH_METRICS_LISTEN", || None, |text| parse::socket(text).map(Some));
        let log = Log::read(variables);
        Some(Self {
            listen: listen?,
            public_url: public_url?,
            login_hosts: login_hosts?,
            login_attempts: login_attempts?,
            trusted_proxies: trusted_proxies?,
            worker_concurrency: concurrency?,
            lease: Duration::from_secs(lease?.into()),
            node_check: Duration::from_secs(node_check?.into()),
            container_templates: container_templates?,
            data_dir: data_dir?,
            metrics_listen: metrics_listen?,
            log: log?,
        })
    }
}

impl Log {
    fn read(variables: &mut Variables) -> Option<Self> {
        let filter = variables.read("BERTH_LOG", || "info".to_owned(), parse::log_filter);
        let format = variables.read("BERTH_LOG_FORMAT", || LogFormat::Auto, parse::log_format);
        Some(Self { filter: filter?, format: format? })
    }
}

/// `http://` and the listening address; its placeholder is never used, since a wrong address ends the program.
fn url_of(listen: Option<SocketAddr>) -> Url {
    let address = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    Url::parse(&format!("http://{address}")).expect("a socket address is a valid authority")
}

/// root: `/var/lib/berth`; others: `berth` in their data directory.
fn default_data_dir() -> PathBuf {
    if nix::unistd::Uid::effective().is_root() {
        return PathBuf::from("/var/lib/berth");
    }
    let own = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().unwrap_or_default().join(".local/share");
    own.unwrap_or_else(home).join("berth")
}
