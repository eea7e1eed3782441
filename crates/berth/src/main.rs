//! Berth's command line and composition.

mod commands;
mod config;
mod logging;
mod services;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use commands::{CommandLine, run};
use config::Wrong;

/// The configuration is wrong, or the command line (clap's own code).
const CONFIGURATION: u8 = 2;
const FAILURE: u8 = 1;

fn main() -> ExitCode {
    // Before anything builds a TLS configuration: there is exactly one provider in the program.
    rustls::crypto::ring::default_provider().install_default().expect("nothing has installed a provider yet");
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return refuse(&error),
    };
    match run(&command_line) {
        Ok(code) => code,
        Err(error) => {
            let code = if error.is::<Wrong>() { CONFIGURATION } else { FAILURE };
            let text = format!("{error:#}");
            for line in text.lines() {
                complain(line);
            }
            ExitCode::from(code)
        }
    }
}

/// A value that cannot be is one line, as everywhere; the rest, help and version among it, is clap's.
fn refuse(error: &clap::Error) -> ExitCode {
    if error.kind() != ErrorKind::ValueValidation {
        error.exit();
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    complain(line.strip_prefix("error: ").unwrap_or(line));
    ExitCode::from(CONFIGURATION)
}

/// Says what ended the program, for the person who started it; the log may be JSON, or off.
#[allow(clippy::print_stderr, reason = "a command line's errors belong on standard error")]
fn complain(line: &str) {
    eprintln!("error: {line}");
}
