//! What a test must not leave behind.

use std::path::Path;
use std::time::{Duration, Instant};

/// Processes whose command line or environment names `directory`.
pub fn processes_of(directory: &Path) -> Vec<String> {
    let marker = directory.to_string_lossy().into_owned();
    let own = std::process::id().to_string();
    let folders = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let others = folders.filter(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name != own.as_str() && name.chars().all(|c| c.is_ascii_digit())
    });
    others
        .filter_map(|folder| {
            let read = |file: &str| {
                String::from_utf8_lossy(&std::fs::read(folder.join(file)).unwrap_or_default())
                    .replace('\0', " ")
            };
            let (command, environment) = (read("cmdline"), read("environ"));
            (!command.is_empty() && (command.contains(&marker) || environment.contains(&marker)))
                .then_some(command)
        })
        .collect()
}

/// Fails when processes that name `directory` are still there after a moment.
pub fn assert_none(directory: &Path) {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let left = processes_of(directory);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind: {left:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
