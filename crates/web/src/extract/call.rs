//! The one extractor of every page that needs a login.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use berth_domain::UserId;
use berth_domain::user::User;
use berth_operations::Context;
use tower_sessions::Session;

use super::session::{self, NotLoggedIn};
use crate::WebError;
use crate::htmx::ByHtmx;
use crate::layout::{Layout, LayoutUser, Section, Toast, Tone};
use crate::state::AppState;

/// A request of somebody who is logged in, with what its handler works with.
pub struct Call {
    /// The shared state.
    pub state: AppState,
    /// Who asks.
    pub user: User,
    /// Whether htmx asks, for a part of a page.
    pub by_htmx: ByHtmx,
    session: Session,
}

impl Call {
    /// What operations need.
    pub const fn ctx(&self) -> &Context {
        &self.state.ctx
    }

    /// Who asks.
    pub const fn user_id(&self) -> UserId {
        self.user.id
    }

    /// The frame of a page, with the messages kept for it.
    pub async fn layout(&self, title: impl Into<String>, section: Section) -> Result<Layout, WebError> {
        let toasts = session::take_toasts(&self.session).await?;
        Ok(Layout::new(title, section).for_user(session::layout_user(&self.user)).with_toasts(toasts))
    }

    /// Goes to another page, which says what happened.
    pub async fn go_to_saying(
        &self,
        path: &str,
        tone: Tone,
        text: impl Into<String>,
    ) -> Result<Response, WebError> {
        session::add_toast(&self.session, Toast { tone, text: text.into() }).await?;
        Ok(self.by_htmx.go_to(path))
    }

    /// Ends the session.
    pub async fn log_out(&self) -> Result<(), WebError> {
        session::end(&self.session).await
    }
}

impl FromRequestParts<AppState> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session = session::of(parts).await.map_err(IntoResponse::into_response)?;
        let user =
            session::user(&session, state.ctx.clock.now()).await.map_err(IntoResponse::into_response)?;
        let Some(user) = user else { return Err(NotLoggedIn::of(parts).into_response()) };
        Ok(Self { state: state.clone(), user, by_htmx: ByHtmx::of(&parts.headers), session })
    }
}

/// Puts the user's name in a failed answer, so that its page keeps the menu.
pub async fn name_user(session: Session, mut response: Response, now: time::OffsetDateTime) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && let Ok(Some(user)) = session::user(&session, now).await {
        response.extensions_mut().insert::<LayoutUser>(session::layout_user(&user));
    }
    response
}
