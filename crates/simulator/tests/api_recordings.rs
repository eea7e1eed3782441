//! The recorded exchanges of a real host, sent in their order to a simulator seeded as that host: status, reason
//! phrase and the shape of the JSON (same keys, same types) must be the same. What is left out is in
//! `recordings/LEFT_OUT.md`.

// Helpers of tests are tests too; clippy knows only the functions themselves.
#![allow(clippy::unwrap_used)]

mod replay;
mod support;

use std::collections::BTreeSet;

use replay::Replay;

/// Left out with the reason in `recordings/LEFT_OUT.md`.
const LEFT_OUT: &[u32] = &[];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorded_exchanges_come_out_the_same() {
    let mut replay = Replay::start().await;
    let mut differences = Vec::new();
    let mut same = 0;
    for recording in replay::recordings() {
        let number = recording.number;
        let left_out = LEFT_OUT.contains(&number);
        match replay.exchange(&recording).await {
            Ok(()) if left_out => {
                differences.push(format!("{number}: comes out the same, so it need not be left out"));
            }
            Ok(()) => same += 1,
            Err(_) if left_out => {}
            Err(difference) => differences.push(format!("{number} {}: {difference}", recording.name)),
        }
    }
    assert!(
        differences.is_empty(),
        "{} same, {} differ:\n{}",
        same,
        differences.len(),
        differences.join("\n")
    );
    assert!(same >= 288, "only {same} exchanges came out the same");
}

#[test]
fn what_is_left_out_is_explained() {
    let text = include_str!("recordings/LEFT_OUT.md");
    let explained: BTreeSet<u32> =
        text.lines().filter_map(|line| line.strip_prefix("- ")?.get(..3)?.parse().ok()).collect();
    assert_eq!(explained, LEFT_OUT.iter().copied().collect());
}
