//! The command line: one file per command.

mod check;
mod context;
mod keys_in_use;
mod login_host;
mod migrate;
mod rotate_key;
mod up;
mod web;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Connections, Given, Keys, Variables, database_url};
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
    /// Serve the pages
    ///
    /// Several may run behind a proxy.
    Web,
    /// Create and provision containers
    ///
    /// Several may run, on several machines. It ends with code 1 when its queue stops, to be started again.
    Worker,
    /// Bring the database's schema up to date
    Migrate,
    /// Say what is wrong with the configuration, and what it reaches
    Check,
    /// Manage which Proxmox hosts may log people in
    ///
    /// Without `BERTH_DATABASE_URL`, it works on the `berth up` that runs in `BERTH_DATA_DIR`. It goes by the
    /// `BERTH_LOGIN_HOSTS` that it finds set.
    #[command(subcommand)]
    LoginHost(login_host::Verb),
    /// Re-encrypt every stored secret under the current key
    ///
    /// `BERTH_ENCRYPTION_KEY` seals; what the keys in `BERTH_OLD_ENCRYPTION_KEYS` have sealed is re-encrypted, while
    /// web and worker run. It may be stopped at any time and run again. Without these variables and
    /// `BERTH_DATABASE_URL`, it works on the `berth up` that runs in `BERTH_DATA_DIR`. It ends with 0 only when every
    /// secret is under the current key.
    RotateKey(rotate_key::Options),
}

/// Runs the command.
pub(crate) fn run(command_line: &CommandLine) -> anyhow::Result<ExitCode> {
    let mut variables = Variables::of_process();
    let unknown = variables.unknown();
    let config = Config::read(&mut variables);
    let done = ExitCode::SUCCESS;
    match &command_line.command {
        Command::Up => {
            let given = Given::read(&mut variables);
            let config = variables.finish(config)?;
            start_logging(&config, &unknown);
            one_thread()?.block_on(up::up(&config, &given))
        }
        Command::Web => {
            let connections = Connections::read(&mut variables);
            let (config, connections) = variables.finish(config.zip(connections))?;
            start_logging(&config, &unknown);
            tokio::runtime::Runtime::new()?.block_on(web::web(&config, &connections)).map(|()| done)
        }
        Command::Worker => {
            let connections = Connections::read(&mut variables);
            let (config, connections) = variables.finish(config.zip(connections))?;
            start_logging(&config, &unknown);
            tokio::runtime::Runtime::new()?.block_on(worker::worker(&config, &connections)).map(|()| done)
        }
        Command::Migrate => {
            let url = database_url(&mut variables);
            let (config, url) = variables.finish(config.zip(url))?;
            start_logging(&config, &unknown);
            one_thread()?.block_on(migrate::migrate(&url)).map(|()| done)
        }
        Command::Check => {
            let connections = Connections::read(&mut variables);
            let (config, connections) = variables.finish(config.zip(connections))?;
            Ok(one_thread()?.block_on(check::check(&config, &connections, &unknown)))
        }
        Command::LoginHost(verb) => {
            if let Some(config) = &config {
                rotate_key::fall_back(&mut variables, &config.data_dir);
            }
            let url = database_url(&mut variables);
            let (config, url) = variables.finish(config.zip(url))?;
            start_logging(&config, &unknown);
            one_thread()?.block_on(login_host::login_host(&url, &config.login_hosts, verb)).map(|()| done)
        }
        Command::RotateKey(options) if options.new_key() => {
            let config = variables.finish(config)?;
            rotate_key::make_key(&config.data_dir).map(|()| done)
        }
        Command::RotateKey(options) => {
            if let Some(config) = &config {
                rotate_key::fall_back(&mut variables, &config.data_dir);
            }
            let needed = database_url(&mut variables).zip(Keys::read(&mut variables));
            let (config, (url, keys)) = variables.finish(config.zip(needed))?;
            start_logging(&config, &unknown);
            one_thread()?.block_on(rotate_key::rotate_key(&url, &keys, options))
        }
    }
}

fn start_logging(config: &Config, unknown: &[String]) {
    logging::start(&config.log);
    for warning in unknown {
        tracing::warn!("{warning}");
    }
}

/// `up` needs its children started from the main thread, whose death they are told of; short commands need no more.
fn one_thread() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Answers the person who ran the command.
#[allow(clippy::print_stdout, reason = "a command line's answers belong on standard output")]
fn say(line: &str) {
    println!("{line}");
}
