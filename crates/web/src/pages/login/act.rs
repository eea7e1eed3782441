//! `POST /login` and `POST /logout`.

use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use berth_operations::Error;
use berth_operations::login::{self, CertificateInfo, LoginForm as Typed, LoginOutcome, Refusal};
use serde::Deserialize;
use tower_sessions::Session;

use super::show;
use super::view::{CertificateView, LoginPage, LoginProblem};
use crate::WebError;
use crate::extract::{Call, ClientIp, session};
use crate::forms::{FormErrors, Rejected};
use crate::htmx::ByHtmx;
use crate::state::AppState;

#[derive(Deserialize)]
pub(super) struct Submitted {
    #[serde(flatten)]
    form: Typed,
    #[serde(default)]
    next: String,
}

/// Logs in, or shows the form again: with messages, or with a certificate to confirm.
pub(super) async fn log_in(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    by_htmx: ByHtmx,
    session: Session,
    Form(Submitted { form, next }): Form<Submitted>,
) -> Result<Response, WebError> {
    let next = session::safe_next(&next).to_owned();
    let mut errors = FormErrors::default();
    let mut problem = None;
    let mut certificate = None;
    let mut retry_after = None;
    match login::login(&state.ctx, client, &form).await {
        Ok(LoginOutcome::LoggedIn(user)) => {
            session::begin(&session, user, state.ctx.clock.now()).await?;
            return Ok(by_htmx.go_to(&next));
        }
        Ok(LoginOutcome::ConfirmCertificate(shown)) => certificate = Some(certificate_view(&shown)),
        Ok(LoginOutcome::SecondFactorNotSupportedYet) => problem = Some(LoginProblem::TwoFactor),
        Ok(LoginOutcome::Refused(refusal)) => problem = Some(refused(&refusal)),
        Err(Error::Invalid(found)) => errors = found.into(),
        Err(Error::Throttled { retry_after: seconds }) => {
            retry_after = Some(seconds);
            problem = Some(LoginProblem::Throttled { retry_after_seconds: seconds });
        }
        Err(error) => return Err(error.into()),
    }
    let form = show::form(&state.ctx, client, &form, &errors).await?;
    let page = LoginPage { layout: show::layout(), form, next, problem, certificate };
    Ok(match retry_after {
        Some(seconds) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], page)
            .into_response(),
        None => Rejected(page).into_response(),
    })
}

fn refused(refusal: &Refusal) -> LoginProblem {
    let command = refusal.remedy();
    match refusal {
        Refusal::Credentials => LoginProblem::Refused,
        Refusal::CertificateChanged { expected, found, .. } => LoginProblem::CertificateChanged {
            trusted: expected
                .map_or_else(|| "a publicly trusted certificate".into(), |expected| expected.to_string()),
            presented: found.to_string(),
            command: command.unwrap_or_default(),
        },
    }
}

/// A certificate as somebody is asked to trust it.
pub(in crate::pages) fn certificate_view(shown: &CertificateInfo) -> CertificateView {
    CertificateView {
        fingerprint: shown.fingerprint.to_string(),
        subject: shown.subject.clone(),
        issuer: shown.issuer.clone(),
        valid_from: shown.not_before,
        valid_until: shown.not_after,
        names: shown.names.clone(),
    }
}

pub(super) async fn log_out(call: Call) -> Result<Response, WebError> {
    call.log_out().await?;
    Ok(call.by_htmx.go_to("/login"))
}
