//! `POST /login` and `POST /logout`.

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
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
    /// The realm that was preselected.
    #[serde(default)]
    realm_default: String,
    /// Another button than the one that logs in.
    #[serde(default)]
    go: String,
}

/// Logs in, or shows the form again: with messages, with a certificate to confirm, or with the realms of the host.
pub(super) async fn log_in(
    State(state): State<AppState>,
    ClientIp(client): ClientIp,
    by_htmx: ByHtmx,
    session: Session,
    headers: HeaderMap,
    Form(submitted): Form<Submitted>,
) -> Result<Response, WebError> {
    let next = session::safe_next(&submitted.next).to_owned();
    let form = submitted.form;
    if submitted.go == "realms" {
        let form =
            show::form(&state.ctx, client, &form, &FormErrors::default(), Some(&submitted.realm_default))
                .await?;
        return Ok(show::login_page(form, next).into_response());
    }
    let mut errors = FormErrors::default();
    let mut problem = None;
    let mut certificate = None;
    match login::login(&state.ctx, client, &form).await {
        Ok(LoginOutcome::LoggedIn(user)) => {
            let device = session::Device::of(client, &headers);
            session::begin(&session, user, state.ctx.clock.now(), device).await?;
            return Ok(by_htmx.go_to(&next));
        }
        Ok(LoginOutcome::NeedsSecondFactor(id)) => {
            session::begin_pending(&session, id).await?;
            return Ok(by_htmx.go_to(&session::with_next("/login/second-factor", &next)));
        }
        Ok(LoginOutcome::ConfirmCertificate(shown)) => certificate = Some(certificate_view(&shown)),
        Ok(LoginOutcome::OnlySecurityKey) => problem = Some(LoginProblem::OnlySecurityKey),
        Ok(LoginOutcome::Refused(refusal)) => problem = Some(refused(&refusal)),
        Err(Error::Invalid(found)) => errors = found.into(),
        Err(Error::Throttled { retry_after }) => {
            problem = Some(LoginProblem::Throttled { retry_after_seconds: retry_after });
        }
        Err(error) => return Err(error.into()),
    }
    let form = show::form(&state.ctx, client, &form, &errors, None).await?;
    let page = LoginPage { problem, certificate, ..show::login_page(form, next) };
    Ok(match page.problem {
        Some(LoginProblem::Throttled { retry_after_seconds }) => throttled(retry_after_seconds, page),
        _ => Rejected(page).into_response(),
    })
}

/// 429 with when to come back.
pub(super) fn throttled(seconds: u64, page: impl IntoResponse) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], page).into_response()
}

/// What the login page says of a refusal.
pub(super) fn refused(refusal: &Refusal) -> LoginProblem {
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
