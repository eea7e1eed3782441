//! What can be told of each field alone.

use berth_domain::host::InvalidHost;
use berth_domain::{Host, HostPort, Secret, TokenId};
use secrecy::ExposeSecret as _;
use validator::ValidationError;

use crate::forms::problem;

pub(super) fn name(text: &str) -> Result<(), ValidationError> {
    match text.trim().chars().count() {
        0 => Err(problem("give the node a name, for example the one on its label")),
        101.. => Err(problem("a name has at most 100 characters")),
        _ if text.chars().any(char::is_control) => Err(problem("a name is one line of plain text")),
        _ => Ok(()),
    }
}

pub(super) fn host(text: &str) -> Result<(), ValidationError> {
    host_of(text).map(|_| ()).map_err(problem)
}

/// A host, or what exactly to type instead of what was pasted.
pub(super) fn host_of(text: &str) -> Result<Host, String> {
    let error = match text.parse::<Host>() {
        Ok(host) => return Ok(host),
        Err(error) => error,
    };
    if !matches!(error, InvalidHost::Url | InvalidHost::WithPort) {
        return Err(error.to_string());
    }
    let rest = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Err(match (rest.parse::<Host>(), rest.parse::<HostPort>()) {
        (Ok(host), _) => format!("type only {host} here"),
        (_, Ok(pair)) => format!("type only {} here, and {} in the field of the port", pair.host, pair.port),
        _ => error.to_string(),
    })
}

/// What precedes the id where somebody copied a whole header.
const HEADER: &str = "PVEAPIToken=";

pub(super) fn token_id(text: &str) -> Result<(), ValidationError> {
    let Err(error) = text.parse::<TokenId>() else { return Ok(()) };
    let shown = without_secret(text);
    if shown.is_empty() && !text.trim().is_empty() {
        return Err(problem(
            "this is a token's secret: it belongs in the next field, and here user@realm!token",
        ));
    }
    Err(match shown.parse::<TokenId>() {
        Ok(id) if text.contains('=') => problem(format_args!(
            "only {id} belongs here, and what follows the = sign in the field of the secret"
        )),
        _ => problem(error),
    })
}

/// The part of a token's id that is no secret.
pub(super) fn without_secret(text: &str) -> &str {
    let id = text.rsplit_once(HEADER).map_or(text, |(_, rest)| rest);
    let id = id.split_once('=').map_or(id, |(id, _)| id);
    if is_uuid(id.trim()) { "" } else { id }
}

pub(super) fn token_secret(secret: &Secret) -> Result<(), String> {
    let text = secret.expose_secret().trim();
    if is_uuid(text) {
        return Ok(());
    }
    Err(if text.contains('!') && text.contains('=') {
        "paste only what follows the last = sign: the part before it is the token's ID".into()
    } else {
        "a token's secret looks like 01234567-89ab-cdef-0123-456789abcdef; a password is none".into()
    })
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

pub(super) fn ssh_auth(text: &str) -> Result<(), ValidationError> {
    match text {
        "" | "none" | "password" | "private_key" => Ok(()),
        _ => Err(problem("choose a private key, a password, or no SSH")),
    }
}

/// As `useradd` takes it, with the upper case and dots that directory services use.
pub(super) fn is_user(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
}
