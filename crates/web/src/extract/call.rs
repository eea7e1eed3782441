//! The one extractor of every page that needs a login.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use berth_domain::user::User;
use berth_domain::{SessionHandle, UserId};
use berth_operations::{Context, sessions};
use futures::{Stream, StreamExt as _};
use tower_sessions::{Session, SessionStore as _};

use super::session::{self, NotLoggedIn};
use crate::WebError;
use crate::htmx::ByHtmx;
use crate::layout::{Layout, LayoutUser, Section, Toast, Tone};
use crate::state::AppState;

/// How soon a stream ends after its session, at most: so often it is looked up.
const LOOK: Duration = Duration::from_secs(3);

/// A request of somebody who is logged in, with what its handler works with.
pub struct Call {
    /// The shared state.
    pub state: AppState,
    /// Who asks.
    pub user: User,
    /// Whether htmx asks, for a part of a page.
    pub by_htmx: ByHtmx,
    /// Which of their sessions this is, where they are listed.
    pub handle: SessionHandle,
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
        self.say(tone, text).await?;
        Ok(self.by_htmx.go_to(path))
    }

    /// The same with a button that takes it back by a POST to `undo`.
    pub async fn go_to_offering_undo(
        &self,
        path: &str,
        text: impl Into<String>,
        undo: String,
    ) -> Result<Response, WebError> {
        let toast = Toast { tone: Tone::Info, text: text.into(), undo: Some(undo) };
        session::add_toast(&self.session, toast).await?;
        Ok(self.by_htmx.go_to(path))
    }

    /// Keeps a message for the next page.
    pub async fn say(&self, tone: Tone, text: impl Into<String>) -> Result<(), WebError> {
        session::add_toast(&self.session, Toast { tone, text: text.into(), undo: None }).await
    }

    /// Keeps a message for the next page once this answer has begun, when its session is stored already.
    pub async fn say_later(&self, tone: Tone, text: impl Into<String>) -> Result<(), WebError> {
        self.say(tone, text).await?;
        self.session.save().await.map_err(WebError::internal)
    }

    /// Ends the session.
    pub async fn log_out(&self) -> Result<(), WebError> {
        session::end(&self.session).await
    }

    /// A stream that ends soon after this session: by a logout, here or elsewhere, or by its time. Looking does not keep the session alive.
    pub fn while_logged_in<S: Stream>(&self, stream: S) -> impl Stream<Item = S::Item> + use<S> {
        let (store, id) = (sessions::store(self.ctx()), self.session.id());
        stream.take_until(Box::pin(async move {
            let Some(id) = id else { return };
            loop {
                tokio::time::sleep(LOOK).await;
                match store.load(&id).await {
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    // Nobody was logged out by that; the next look tells.
                    Err(error) => tracing::debug!(%error, "cannot look a stream's session up"),
                }
            }
        }))
    }
}

impl FromRequestParts<AppState> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session = session::of(parts).await.map_err(IntoResponse::into_response)?;
        let login = session::login(&session).await.map_err(IntoResponse::into_response)?;
        let Some(login) = login else { return Err(NotLoggedIn::of(parts).into_response()) };
        if !session::goes_on_by_itself(&parts.headers) {
            let now = state.ctx.clock.now();
            session::touch(&session, now).await.map_err(IntoResponse::into_response)?;
        }
        if !parts.method.is_safe() {
            state.live.changing(login.user.id);
        }
        let by_htmx = ByHtmx::of(&parts.headers);
        Ok(Self { state: state.clone(), user: login.user, by_htmx, handle: login.handle, session })
    }
}

/// Puts the user's name in a failed answer, so that its page keeps the menu.
pub async fn name_user(session: Session, mut response: Response) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && let Ok(Some(login)) = session::login(&session).await {
        response.extensions_mut().insert::<LayoutUser>(session::layout_user(&login.user));
    }
    response
}
