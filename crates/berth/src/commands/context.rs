//! What web and worker share: connections, metrics and the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use berth_domain::Clock;
use berth_operations::queue::{self, Queue, Storage};
use berth_operations::{Context, Settings};
use berth_store::Redis;
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::keys_in_use;
use crate::config::{Config, Connections};

const POSTGRES_CONNECTIONS: u32 = 16;
const REDIS_CONNECTIONS: usize = 4;

/// Connects to PostgreSQL and Redis; fails at once when either cannot be reached, or a key that stored secrets need
/// is not given.
pub(crate) async fn connect(
    config: &Config,
    connections: &Connections,
) -> anyhow::Result<(Context, Storage)> {
    let redis_url = connections.redis_url.expose_secret();
    let storage = queue::connect(redis_url).await?;
    let context = Context {
        pg: berth_store::connect_postgres(connections.database_url.expose_secret(), POSTGRES_CONNECTIONS)
            .await?,
        redis: Redis::connect(redis_url, REDIS_CONNECTIONS).await?,
        keyring: Arc::new(connections.keys.keyring()),
        clock: Clock::system(),
        queue: Queue::new(storage.clone()),
        settings: Arc::new(Settings {
            login_hosts: config.login_hosts.clone(),
            login_attempts: config.login_attempts.count,
            login_window: config.login_attempts.window,
            container_templates: config.container_templates.clone(),
            lease: config.lease,
            node_check: config.node_check,
            ..Settings::default()
        }),
    };
    keys_in_use::ensure_given(&context.pg, &context.keyring).await?;
    Ok((context, storage))
}

/// Given on SIGINT, SIGTERM and SIGHUP.
pub(crate) fn shutdown_on_signal() -> CancellationToken {
    let [mut int, mut term, mut hup] =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .map(|kind| signal(kind).expect("the runtime handles signals"));
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
        token.cancel();
    });
    shutdown
}

/// Serves `/metrics` for Prometheus on a listener of its own, where one is configured.
pub(crate) async fn serve_metrics(listen: Option<SocketAddr>) -> anyhow::Result<()> {
    let Some(listen) = listen else { return Ok(()) };
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: set BERTH_METRICS_LISTEN to a free port"))?;
    let rendered = prometheus.clone();
    let routes = Router::new().route("/metrics", get(async move || rendered.render()));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    tokio::spawn(async move {
        // Without it, the histograms of a process that nobody asks grow for ever.
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            prometheus.run_upkeep();
        }
    });
    Ok(())
}
