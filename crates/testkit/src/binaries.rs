//! The programs under test.

use std::path::PathBuf;

/// A program of the workspace, beside the test's own executable or in `BERTH_PROGRAMS`. Cargo builds those of other packages only with
/// `--workspace`.
pub fn path(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("BERTH_PROGRAMS") {
        return PathBuf::from(folder).join(name);
    }
    let own = std::env::current_exe().expect("a process knows its executable");
    // Tests lie in `deps`, programs one above.
    let program =
        own.ancestors().skip(1).take(3).map(|folder| folder.join(name)).find(|program| program.is_file());
    program.unwrap_or_else(|| panic!("{name} has not been built: cargo build --workspace"))
}
