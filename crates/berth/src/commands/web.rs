//! `berth web`: the pages.

use std::io::ErrorKind;

use berth_operations::container_templates;
use berth_operations::creation::ProgressHub;
use berth_operations::dashboard::Live;
use berth_web::AppState;

use super::context;
use crate::config::{Config, Connections};

/// Serves until told to stop.
pub(crate) async fn web(config: &Config, connections: &Connections) -> anyhow::Result<()> {
    let shutdown = context::shutdown_on_signal();
    context::serve_metrics(config.metrics_listen).await?;
    let (context, _) = context::connect(config, connections).await?;
    // What it cannot read is in the log; the page of container templates reads again.
    container_templates::discover(&context).await?;
    let hub = ProgressHub::start(context.pg.clone(), context.redis.clone()).await?;
    let live = Live::start(context.clone()).await?;
    let state = AppState::new(context, hub, live);
    let https = config.public_url.scheme() == "https";
    let settings = berth_web::Config {
        listen: config.listen,
        secure_cookies: https,
        // `port` is none where it is the scheme's own.
        strict_transport: https && config.public_url.port().is_none(),
        trusted_proxies: config.trusted_proxies.clone(),
    };
    let listen = config.listen;
    berth_web::serve(state, settings, shutdown).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow::anyhow!("BERTH_LISTEN: {listen} is taken by another program: choose another port")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("BERTH_LISTEN: this machine has no address {}", listen.ip())
        }
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!("BERTH_LISTEN: listening on {listen} is not permitted: choose a port above 1023")
        }
        _ => anyhow::Error::new(error).context(format!("cannot serve pages on {listen}")),
    })
}
