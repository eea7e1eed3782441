//! `berth worker`: creates and provisions containers.

use super::context;
use crate::config::{Config, Connections};

/// Works until told to stop; an error when the queue's loop stops by itself.
pub(crate) async fn worker(config: &Config, connections: &Connections) -> anyhow::Result<()> {
    let shutdown = context::shutdown_on_signal();
    context::serve_metrics(config.metrics_listen).await?;
    let (context, storage) = context::connect(config, connections).await?;
    let defaults = berth_worker::Config::new(config.worker_concurrency.into());
    // Looking more seldom than leases run out would make them longer than configured.
    let settings =
        berth_worker::Config { sweep_interval: defaults.sweep_interval.min(config.lease), ..defaults };
    berth_worker::run(context, storage, settings, shutdown).await?;
    Ok(())
}
