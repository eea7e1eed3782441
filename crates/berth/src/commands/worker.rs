//! `berth worker`: creates and provisions containers.

use super::context;
use crate::config::{Config, Connections};

/// Works until told to stop; an error when the queue's loop stops by itself.
pub(crate) async fn worker(config: &Config, connections: &Connections) -> anyhow::Result<()> {
    let shutdown = context::shutdown_on_signal();
    context::serve_metrics(config.metrics_listen).await?;
    let (context, storage) = context::connect(config, connections).await?;
    let settings = berth_worker::Config::new(config.worker_concurrency.into());
    berth_worker::run(context, storage, settings, shutdown).await?;
    Ok(())
}
