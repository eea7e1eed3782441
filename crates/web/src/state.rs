//! What handlers share.

use std::sync::Arc;

use axum::extract::FromRef;
use berth_operations::Context;
use berth_operations::creation::ProgressHub;
use berth_operations::dashboard::Live;

use crate::extract::client_ip::TrustedProxies;

/// What handlers share; clone it freely.
#[derive(Clone)]
pub struct AppState {
    /// Everything an operation needs.
    pub ctx: Context,
    /// The live progress of creations.
    pub hub: ProgressHub,
    /// The dashboards of those who look.
    pub live: Live,
    /// Whose word counts on where a request comes from.
    pub proxies: Arc<TrustedProxies>,
}

impl FromRef<AppState> for Arc<TrustedProxies> {
    fn from_ref(state: &AppState) -> Self {
        state.proxies.clone()
    }
}
