//! How each kind of value is written. Errors continue the sentence `"VALUE" …` and say what to write instead.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use berth_domain::HostPort;
use berth_operations::context::LoginHosts;
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{LogFormat, LoginAttempts};

pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "is not an address and port: write for example 127.0.0.1:8080 or [::]:8080".to_owned())
}

pub(super) fn public_url(text: &str) -> Result<Url, String> {
    let remedy = "is not a web address: write for example https://berth.example.org, without a path";
    let url = Url::parse(text).map_err(|_| remedy.to_owned())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.path() == "/"
        && url.username().is_empty()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(remedy.to_owned()) }
}

pub(super) fn login_hosts(text: &str) -> Result<LoginHosts, String> {
    match text {
        "any" => Ok(LoginHosts::Any),
        "claim" => Ok(LoginHosts::Claim),
        list => {
            let hosts: Result<Vec<HostPort>, String> = items(list)
                .map(|item| {
                    item.parse().map_err(|why| {
                        format!("holds \"{item}\": {why}; write host:port, separated by commas")
                    })
                })
                .collect();
            hosts.map(LoginHosts::List)
        }
    }
}

pub(super) fn login_attempts(text: &str) -> Result<LoginAttempts, String> {
    let read = || {
        let (count, window) = text.split_once('/')?;
        let window = duration(window.trim())?;
        let count = count.trim().parse().ok().filter(|count| *count > 0)?;
        Some(LoginAttempts { count, window })
    };
    read().ok_or_else(|| "is not a number of attempts in a time: write for example 10/5m".to_owned())
}

/// A number with `s`, `m` or `h`, not zero and at most a day.
fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    let seconds = text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=86_400).contains(&seconds).then(|| Duration::from_secs(seconds))
}

pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    items(text)
        .map(|item| {
            let network = item.parse::<IpNet>().or_else(|_| item.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| format!("holds \"{item}\", which is no address or network: write for example 10.0.0.5,192.168.1.0/24"))
        })
        .collect()
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A whole number between `least` and `most`, both included.
pub(super) fn number(text: &str, least: u16, most: u16) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("is not a whole number from {least} to {most}"))
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err("is not a log format: write auto, human or json".to_owned()),
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(format!("is not a log filter ({error}): write for example info or info,berth_worker=debug"))
        }
    }
}

pub(super) fn is_database_url(url: &SecretString) -> bool {
    Url::parse(url.expose_secret()).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"))
}

pub(super) fn is_redis_url(url: &SecretString) -> bool {
    Url::parse(url.expose_secret()).is_ok_and(|url| matches!(url.scheme(), "redis" | "redis+unix"))
}
