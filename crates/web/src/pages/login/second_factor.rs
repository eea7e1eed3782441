//! `/login/second-factor`: the second page of a login, without which nobody is logged in.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use berth_operations::Error;
use berth_operations::login::{self, CodeForm, Factor, LoginForm, SecondOutcome, SecondStep};
use serde::Deserialize;
use tower_sessions::Session;

use super::act::{refused, throttled};
use super::show;
use super::view::{FactorView, LoginPage, SecondFactorPage};
use crate::WebError;
use crate::extract::{ClientIp, session};
use crate::forms::{FormErrors, Rejected};
use crate::htmx::ByHtmx;
use crate::state::AppState;

const PATH: &str = "/login/second-factor";

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    /// The factor to ask for; else the first that the account has.
    #[serde(default)]
    factor: String,
}

/// Asks for a code; whoever has not given a password yet, or too long ago, begins anew.
pub(super) async fn page(
    State(state): State<AppState>,
    session: Session,
    Query(Asked { next, factor }): Query<Asked>,
) -> Result<Response, WebError> {
    let next = session::safe_next(&next).to_owned();
    if session::login(&session).await?.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let Some(id) = session::pending(&session).await? else {
        return Ok(Redirect::to(&session::with_next("/login", &next)).into_response());
    };
    Ok(match login::pending(&state.ctx, id).await? {
        Some(step) => view(step, &factor, next).into_response(),
        None => ended(ByHtmx(false), &next),
    })
}

#[derive(Deserialize)]
pub(super) struct Submitted {
    #[serde(flatten)]
    form: CodeForm,
    #[serde(default)]
    next: String,
}

/// Finishes the login, under a new session id; or asks again, with what is wrong.
pub(super) async fn finish(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    by_htmx: ByHtmx,
    session: Session,
    headers: HeaderMap,
    Form(Submitted { form, next }): Form<Submitted>,
) -> Result<Response, WebError> {
    let next = session::safe_next(&next).to_owned();
    let Some(id) = session::pending(&session).await? else { return Ok(ended(by_htmx, &next)) };
    let Some(step) = login::pending(&state.ctx, id).await? else { return Ok(ended(by_htmx, &next)) };
    let page = view(step, &form.factor, next);
    match login::second_step(&state.ctx, client, id, &form).await {
        Ok(SecondOutcome::LoggedIn(user)) => {
            let device = session::Device::of(client, &headers);
            session::begin(&session, user, state.ctx.clock.now(), device).await?;
            Ok(by_htmx.go_to(&page.next))
        }
        Ok(SecondOutcome::Ended) => Ok(ended(by_htmx, &page.next)),
        Ok(SecondOutcome::Refused(refusal)) => {
            let form =
                show::form(&state.ctx, client, &LoginForm::default(), &FormErrors::default(), None).await?;
            let problem = Some(refused(&refusal));
            Ok(Rejected(LoginPage { problem, ..show::login_page(form, page.next) }).into_response())
        }
        Err(Error::Invalid(found)) => {
            Ok(Rejected(SecondFactorPage { error: FormErrors::from(found).get("code"), ..page })
                .into_response())
        }
        Err(Error::Throttled { retry_after }) => {
            Ok(throttled(retry_after, SecondFactorPage { retry_after_seconds: Some(retry_after), ..page }))
        }
        Err(error) => Err(error.into()),
    }
}

fn ended(by_htmx: ByHtmx, next: &str) -> Response {
    by_htmx.go_to(&session::with_next("/login?ended=1", next))
}

fn view(step: SecondStep, chosen: &str, next: String) -> SecondFactorPage {
    let chosen = Factor::named(chosen).filter(|factor| step.factors.contains(factor));
    let factor = chosen.or_else(|| step.factors.first().copied()).unwrap_or(Factor::Totp);
    let others = step.factors.iter().filter(|other| **other != factor);
    let link = |other: &Factor| {
        (FactorView::of(*other).link, session::with_next(&format!("{PATH}?factor={}", other.name()), &next))
    };
    SecondFactorPage {
        layout: show::layout(),
        userid: step.userid,
        host: step.host.to_string(),
        factor: FactorView::of(factor),
        others: others.map(link).collect(),
        security_key: step.security_key,
        error: None,
        retry_after_seconds: None,
        start_over: session::with_next("/login", &next),
        next,
    }
}
