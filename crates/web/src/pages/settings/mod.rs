//! The index of the settings.

pub mod view;

use axum::Router;
use axum::routing::get;
use berth_operations::nodes;

use self::view::SettingsPage;
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;
use crate::state::AppState;

/// `/settings`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/settings", get(page))
}

async fn page(call: Call) -> Result<SettingsPage, WebError> {
    let nodes = nodes::stored(call.ctx(), call.user_id()).await?.len();
    let account = format!("{} on {}", call.user.userid, call.user.login_host);
    Ok(SettingsPage { layout: call.layout("Settings", Section::Settings).await?, nodes, account })
}
