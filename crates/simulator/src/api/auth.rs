//! Who is calling: ticket cookie with CSRF token, or API token.

use hyper::Method;
use hyper::header;

use super::request::{Request, percent_decode};
use super::ticket;
use crate::clock;
use crate::state::{Caller, Model};

/// Why a caller is turned away: the whole text, shown in the reason phrase only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Neither ticket nor token.
    NoTicket,
    /// Not ours, expired, or its user is.
    Failed,
    /// A write by ticket without its CSRF token.
    Csrf,
}

impl Refused {
    /// The reason phrase of the 401.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::NoTicket => "No ticket",
            Self::Failed => "Authentication failed!",
            Self::Csrf => "Permission denied - invalid csrf token",
        }
    }
}

/// Finds out who is calling.
///
/// # Errors
/// When nobody we know.
pub(super) fn authenticate(model: &Model, request: &Request) -> Result<Caller, Refused> {
    if let Some(token) = request.api_token() {
        return by_token(model, &percent_decode(token)).ok_or(Refused::Failed);
    }
    let ticket = cookie(request, "PVEAuthCookie").ok_or(Refused::NoTicket)?;
    let user =
        ticket::subject(model, &ticket, "").filter(|user| !user.starts_with('!')).ok_or(Refused::Failed)?;
    if !is_enabled(model, &user) {
        return Err(Refused::Failed);
    }
    let csrf =
        request.headers.get("csrfpreventiontoken").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if request.method != Method::GET && !ticket::csrf_matches(model, &user, csrf) {
        return Err(Refused::Csrf);
    }
    Ok(Caller { user, token: None })
}

/// Whom an impostor takes the caller for: whoever brings a token or a ticket is root.
pub(super) fn believe(request: &Request) -> Result<Caller, Refused> {
    let proof = request.api_token().is_some() || cookie(request, "PVEAuthCookie").is_some();
    if proof { Ok(Caller::root()) } else { Err(Refused::NoTicket) }
}

fn cookie(request: &Request, name: &str) -> Option<String> {
    let cookies = request.header(header::COOKIE).split(';');
    let mut named =
        cookies.filter_map(|cookie| cookie.trim().split_once('=')).filter(|(key, _)| *key == name);
    named.next().map(|(_, value)| percent_decode(value)).filter(|value| !value.is_empty())
}

fn by_token(model: &Model, text: &str) -> Option<Caller> {
    let (authid, secret) = text.split_once('=').or_else(|| text.rsplit_once(':'))?;
    let token = model.accounts.tokens.get(authid)?;
    let (user, name) = authid.split_once('!')?;
    let alive = token.expire == 0 || token.expire > clock::now();
    (token.secret == secret && alive && is_enabled(model, user))
        .then(|| Caller { user: user.to_owned(), token: Some(name.to_owned()) })
}

/// Whether a user exists, is enabled and has not expired.
pub fn is_enabled(model: &Model, user: &str) -> bool {
    model
        .accounts
        .users
        .get(user)
        .is_some_and(|user| user.enable && (user.expire == 0 || user.expire > clock::now()))
}
