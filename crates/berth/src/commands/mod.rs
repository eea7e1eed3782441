//! The command line: one file per command.

mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Variables};
use crate::logging;

/// Create, provision, watch and control LXC containers on your Proxmox VE hosts.
#[derive(Parser)]
#[command(name = "berth", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Berth is configured by environment variables (BERTH_…); .env.example lists all of them.\n\
    Exit codes: 0 done, 1 failure, 2 wrong configuration or command line."
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run web and worker on this machine, with a private PostgreSQL and Redis where none is configured
    ///
    /// PostgreSQL and Redis are started on unix sockets and keep their data in `BERTH_DATA_DIR`. Without
    /// `BERTH_ENCRYPTION_KEY`, a key is made there too. Migrations run first. A worker that fails is started again.
    Up,
}

/// Runs the command.
pub(crate) fn run(command_line: &CommandLine) -> anyhow::Result<ExitCode> {
    let mut variables = Variables::of_process();
    match command_line.command {
        Command::Up => {
            let unknown = variables.unknown();
            let given = crate::config::Given::read(&mut variables);
            let config = Config::read(&mut variables);
            let config = variables.finish(config)?;
            start_logging(&config, &unknown);
            runtime_of_one_thread()?.block_on(up::up(&config, &given))
        }
    }
}

fn start_logging(config: &Config, unknown: &[String]) {
    logging::start(&config.log);
    for warning in unknown {
        tracing::warn!("{warning}");
    }
}

/// Children are started from the main thread: their death signal follows the thread that started them.
fn runtime_of_one_thread() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
