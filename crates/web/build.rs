//! Fails early, and in one line, when the front end has not been built: its files are embedded in the binary.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../../static/dist/manifest.json");
    println!("cargo::rerun-if-changed=../../templates");
    println!("cargo::rerun-if-changed=askama.toml");
    if !Path::new("../../static/dist/manifest.json").is_file() {
        println!("cargo::error=static/dist is missing: run `make static`");
    }
}
