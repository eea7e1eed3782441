//! The index of the settings, and the sessions.

mod sessions;
pub mod view;

use axum::Router;
use axum::routing::{get, post};
use berth_operations::nodes;

use self::view::SettingsPage;
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;
use crate::state::AppState;

/// `/settings` and `/settings/sessions`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings", get(page))
        .route("/settings/sessions", get(sessions::list))
        .route("/settings/sessions/log-out-others", post(sessions::log_out_others))
        .route("/settings/sessions/{id}/log-out", post(sessions::log_out))
}

async fn page(call: Call) -> Result<SettingsPage, WebError> {
    let nodes = nodes::stored(call.ctx(), call.user_id()).await?.len();
    let account = format!("{} on {}", call.user.userid, call.user.login_host);
    Ok(SettingsPage { layout: call.layout("Settings", Section::Settings).await?, nodes, account })
}
