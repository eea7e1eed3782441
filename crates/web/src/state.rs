//! What handlers share.

use std::sync::Arc;

use axum::extract::FromRef;
use berth_operations::Context;
use berth_operations::creation::ProgressHub;
use berth_operations::dashboard::Live;

use crate::extract::client_ip::TrustedProxies;
use crate::pages::dashboard::Rendered;

/// What handlers share; clone it freely.
#[derive(Clone)]
pub struct AppState {
    /// Everything an operation needs.
    pub ctx: Context,
    /// The live progress of creations.
    pub hub: ProgressHub,
    /// The dashboards of those who look.
    pub live: Live,
    /// Pages of them that are still true.
    pub rendered: Arc<Rendered>,
    /// Whose word counts on where a request comes from.
    pub proxies: Arc<TrustedProxies>,
}

impl AppState {
    /// With no proxies whose word counts.
    pub fn new(ctx: Context, hub: ProgressHub, live: Live) -> Self {
        Self { ctx, hub, live, rendered: Arc::default(), proxies: Arc::default() }
    }
}

impl FromRef<AppState> for Arc<TrustedProxies> {
    fn from_ref(state: &AppState) -> Self {
        state.proxies.clone()
    }
}
