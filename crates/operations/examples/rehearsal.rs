//! Berth's part of `scripts/test-templates`:
//!
//! - `rehearsal bundles FOLDER OUT` writes `NAME.tar` for each container template, and `unpack.sh` and `discover.sh` beside them;
//! - `rehearsal services` reads what `discover.sh` told, and prints `name state port,port` for each service that people see first.

#![allow(clippy::print_stdout, reason = "it is what this program is for")]

use std::error::Error;
use std::io::Read as _;
use std::path::Path;

use berth_operations::creation::rehearsal;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bundles", folder, out] => bundles(Path::new(folder), Path::new(out)),
        ["services"] => services(),
        _ => Err("usage: rehearsal bundles FOLDER OUT | rehearsal services".into()),
    }
}

fn bundles(folder: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    for (name, archive) in rehearsal::bundles(folder)? {
        std::fs::write(out.join(format!("{name}.tar")), archive)?;
    }
    std::fs::write(out.join("unpack.sh"), rehearsal::UNPACK)?;
    std::fs::write(out.join("discover.sh"), rehearsal::DISCOVER)?;
    Ok(())
}

fn services() -> Result<(), Box<dyn Error>> {
    let mut output = String::new();
    std::io::stdin().read_to_string(&mut output)?;
    for service in rehearsal::services(&output) {
        let ports: Vec<String> = service.ports.iter().map(ToString::to_string).collect();
        println!("{} {:?} {}", service.name, service.state, ports.join(","));
    }
    Ok(())
}
