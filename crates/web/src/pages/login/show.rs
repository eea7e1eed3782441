//! `GET /login` and the realms of a host.

use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::{Host, HostPort};
use berth_operations::Context;
use berth_operations::login::{self, LoginForm as Typed, LoginOptions, Realm};
use serde::Deserialize;
use tower_sessions::Session;

use super::view::{LoginForm, LoginPage, RealmsFragment};
use crate::WebError;
use crate::extract::{ClientIp, session};
use crate::forms::{Choice, Field, FormErrors};
use crate::layout::{Layout, Section};
use crate::state::AppState;

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// The login; somebody who is logged in is sent on.
pub(super) async fn page(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    session: Session,
    Query(Next { next }): Query<Next>,
) -> Result<Response, WebError> {
    let next = session::safe_next(&next).to_owned();
    if session::user(&session, state.ctx.clock.now()).await?.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let typed = Typed { user: "root".into(), realm: "pam".into(), ..Typed::default() };
    let form = form(&state.ctx, client, &typed, &FormErrors::default()).await?;
    Ok(LoginPage { layout: layout(), form, next, problem: None, certificate: None }.into_response())
}

pub(super) fn layout() -> Layout {
    Layout::new("Log in", Section::None)
}

/// The form as typed, with what may be chosen.
pub(super) async fn form(
    ctx: &Context,
    client: std::net::IpAddr,
    typed: &Typed,
    errors: &FormErrors,
) -> Result<LoginForm, WebError> {
    let login_hosts: Vec<Choice> = match login::login_options(ctx).await? {
        LoginOptions::Free => Vec::new(),
        LoginOptions::Choice(hosts) => {
            hosts.iter().map(|host| Choice::new(host.to_string(), host.to_string())).collect()
        }
    };
    let chosen =
        if typed.host.is_empty() { login_hosts.first().map(|choice| choice.value.clone()) } else { None };
    let host = chosen.unwrap_or_else(|| typed.host.clone());
    let port =
        if login_hosts.is_empty() && typed.port.is_empty() { "8006".to_owned() } else { typed.port.clone() };
    Ok(LoginForm {
        realms: choices(&offered(ctx, client, &host, &port).await),
        host: errors.field("host", host),
        port: errors.field("port", port),
        user: errors.field("user", typed.user.clone()),
        realm: errors.field("realm", typed.realm.clone()),
        password_error: errors.get("password"),
        login_hosts,
    })
}

/// The realms of the host, as far as one can be read from what was typed; else Proxmox's own two.
async fn offered(ctx: &Context, client: std::net::IpAddr, host: &str, port: &str) -> Vec<Realm> {
    let address = match host.parse::<Host>() {
        Ok(host) => port.trim().parse().ok().filter(|port| *port != 0).map(|port| HostPort::new(host, port)),
        Err(_) => host.parse().ok(),
    };
    match address {
        Some(address) => login::realms(ctx, client, &address).await,
        None => login::fallback_realms(),
    }
}

fn choices(realms: &[Realm]) -> Vec<Choice> {
    let label = |realm: &Realm| match &realm.comment {
        Some(comment) if !comment.is_empty() => comment.clone(),
        _ => realm.realm.clone(),
    };
    realms.iter().map(|realm| Choice::new(&realm.realm, label(realm))).collect()
}

/// `GET /login/realms`.
pub(super) async fn realms(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    uri: Uri,
) -> Result<RealmsFragment, WebError> {
    let Query(typed) =
        Query::<RealmsOf>::try_from_uri(&uri).map_err(|error| WebError::BadRequest(error.to_string()))?;
    let realms = offered(&state.ctx, client, &typed.host, &typed.port).await;
    // What was chosen before the host answered stays chosen.
    let chosen = realms.iter().find(|realm| realm.realm == typed.realm);
    let realm = chosen.map_or_else(|| "pam".to_owned(), |realm| realm.realm.clone());
    Ok(RealmsFragment { realm: Field::new(realm), realms: choices(&realms) })
}

#[derive(Deserialize)]
struct RealmsOf {
    #[serde(default)]
    host: String,
    #[serde(default)]
    port: String,
    #[serde(default)]
    realm: String,
}
