//! `GET /login` and the realms of a host.

use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use berth_operations::Context;
use berth_operations::login::{self, LoginForm as Typed, LoginOptions, Realm};
use serde::Deserialize;
use tower_sessions::Session;

use super::view::{LoginForm, LoginPage, LoginProblem, RealmSelect, RealmsFragment};
use crate::WebError;
use crate::extract::{ClientIp, session};
use crate::forms::{Choice, Field, FormErrors};
use crate::layout::{Layout, Section};
use crate::state::AppState;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    /// Somebody comes from a second step that cannot be finished any more.
    ended: Option<String>,
}

/// The login; somebody who is logged in is sent on.
pub(super) async fn page(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    session: Session,
    Query(Asked { next, ended }): Query<Asked>,
) -> Result<Response, WebError> {
    let next = session::safe_next(&next).to_owned();
    if session::login(&session).await?.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let typed = Typed { user: "root".into(), ..Typed::default() };
    let form = form(&state.ctx, client, &typed, &FormErrors::default(), None).await?;
    let problem = ended.map(|_| LoginProblem::Ended);
    Ok(LoginPage { problem, ..login_page(form, next) }.into_response())
}

pub(super) fn layout() -> Layout {
    Layout::new("Log in", Section::None)
}

/// The page with nothing to complain about.
pub(super) fn login_page(form: LoginForm, next: String) -> LoginPage {
    LoginPage { layout: layout(), form, next, problem: None, certificate: None }
}

/// The form as typed, with what may be chosen. `was_default` is the realm that was preselected, where the host may have changed since.
pub(super) async fn form(
    ctx: &Context,
    client: std::net::IpAddr,
    typed: &Typed,
    errors: &FormErrors,
    was_default: Option<&str>,
) -> Result<LoginForm, WebError> {
    let login_hosts: Vec<Choice> = match login::login_options(ctx).await? {
        LoginOptions::Free => Vec::new(),
        LoginOptions::Choice(hosts) => {
            hosts.iter().map(|host| Choice::new(host.to_string(), host.to_string())).collect()
        }
    };
    let mut typed = typed.clone();
    if let Some(first) = login_hosts.first().filter(|_| typed.host.is_empty()) {
        typed.host.clone_from(&first.value);
    }
    if login_hosts.is_empty() && typed.port.is_empty() {
        "8006".clone_into(&mut typed.port);
    }
    let mut realms =
        select(&offered(ctx, client, &typed).await, &typed.realm, was_default.unwrap_or_default());
    if was_default.is_none() && !typed.realm.is_empty() {
        realms.keep(typed.realm);
    }
    realms.realm.error = errors.get("realm");
    Ok(LoginForm {
        realms,
        host: errors.field("host", typed.host),
        port: errors.field("port", typed.port),
        user: errors.field("user", typed.user),
        password_error: errors.get("password"),
        login_hosts,
    })
}

/// The realms of the host, as far as one can be read from what was typed; else Proxmox's own two.
async fn offered(ctx: &Context, client: std::net::IpAddr, typed: &Typed) -> Vec<Realm> {
    match typed.address() {
        Ok(address) => login::realms(ctx, client, &address).await,
        Err(_) => login::fallback_realms(),
    }
}

fn select(realms: &[Realm], chosen: &str, was_default: &str) -> RealmSelect {
    // The name first: it is what people know, and what a narrow field still shows.
    let label = |realm: &Realm| {
        let about = realm.comment.as_deref().filter(|comment| !comment.is_empty());
        let factor = realm.tfa.as_ref().map(|_| "asks for a second factor");
        let more: Vec<&str> = about.into_iter().chain(factor).collect();
        if more.is_empty() { realm.realm.clone() } else { format!("{} ({})", realm.realm, more.join(", ")) }
    };
    RealmSelect {
        realm: Field::new(login::preselected(realms, chosen, was_default)),
        default: login::preselected(realms, "", ""),
        choices: realms.iter().map(|realm| Choice::new(&realm.realm, label(realm))).collect(),
    }
}

/// `GET /login/realms`.
pub(super) async fn realms(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    uri: Uri,
) -> Result<RealmsFragment, WebError> {
    let Query(asked) =
        Query::<RealmsOf>::try_from_uri(&uri).map_err(|error| WebError::BadRequest(error.to_string()))?;
    let typed = Typed { host: asked.host, port: asked.port, ..Typed::default() };
    let realms = offered(&state.ctx, client, &typed).await;
    Ok(RealmsFragment { realms: select(&realms, &asked.realm, &asked.realm_default) })
}

#[derive(Deserialize)]
struct RealmsOf {
    #[serde(default)]
    host: String,
    #[serde(default)]
    port: String,
    #[serde(default)]
    realm: String,
    #[serde(default)]
    realm_default: String,
}
