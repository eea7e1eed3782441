//! Serving pages until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use berth_operations::sessions;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;

use crate::extract::call::name_user;
use crate::extract::client_ip::TrustedProxies;
use crate::extract::session;
use crate::middleware::security_headers;
use crate::state::AppState;
use crate::{pages, routes};

/// How long open requests may take to end; event streams are simply cut and resumed by their browsers.
const DRAIN: Duration = Duration::from_secs(5);

/// What a web process needs beside its context.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether browsers reach it by https only: then the cookie is never sent otherwise.
    pub secure_cookies: bool,
    /// Whether browsers are told to come by https only.
    pub strict_transport: bool,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
}

/// The whole application, for a server or a test.
pub fn app(state: AppState, secure_cookies: bool) -> Router {
    let sessions = session::layer(sessions::store(&state.ctx), secure_cookies);
    let pages = pages::all().layer(from_fn(with_name)).layer(sessions).with_state(state);
    routes::compose(pages)
}

async fn with_name(session: Session, request: Request, next: Next) -> Response {
    name_user(session, next.run(request).await).await
}

/// Serves until `shutdown` is given, then lets open requests end.
pub async fn serve(state: AppState, config: Config, shutdown: CancellationToken) -> std::io::Result<()> {
    let listener = TcpListener::bind(config.listen).await?;
    let state = AppState { proxies: Arc::new(TrustedProxies::new(config.trusted_proxies)), ..state };
    let mut app = app(state, config.secure_cookies);
    if config.strict_transport {
        app = app.layer(security_headers::strict_transport());
    }
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tracing::info!(address = %listener.local_addr()?, "serving pages");
    let told = shutdown.clone();
    let serving =
        axum::serve(listener, service).with_graceful_shutdown(async move { told.cancelled().await });
    tokio::select! {
        ended = async { serving.await } => ended,
        () = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        } => Ok(()),
    }
}
