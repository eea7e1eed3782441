//! How long pages take: the real `berth web` on a PostgreSQL and Redis of its own, with a simulated host. `make bench` runs it; docs/benchmarks.md
//! says how to read it and how to add to it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the benchmark")]
#![allow(clippy::print_stdout, reason = "the report is for whoever runs it")]

mod growth;
mod hundred;
mod load;
mod memory;
mod report;
mod rig;
mod trouble;
mod vmid;

use std::process::ExitCode;

use report::Report;

/// Each begins with an application of its own; a word on the command line picks those whose name contains it.
const SCENARIOS: [&str; 4] = [vmid::NAME, hundred::NAME, trouble::NAME, growth::NAME];

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo says `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut report = Report::default();
    for name in SCENARIOS {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            println!("\n{name}");
            match name {
                vmid::NAME => vmid::run(&mut report).await,
                hundred::NAME => hundred::run(&mut report).await,
                trouble::NAME => trouble::run(&mut report).await,
                growth::NAME => growth::run(&report).await,
                _ => unreachable!("each of them is named above"),
            }
        }
    }
    if report.missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
