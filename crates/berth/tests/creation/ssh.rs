//! The simulated host's SSH breaks in mid-stream.

use serde_json::json;

use crate::scenario::Scenario;

#[tokio::test]
async fn a_dropped_connection_loses_and_repeats_no_line() {
    let scenario = Scenario::submitted(Scenario::folder()).await;
    // In the middle of a line, wherever that is: about five lines fit.
    scenario.app.simulator.faults(json!([{"kind": "ssh-drop", "after_bytes": 333, "count": 3}])).await;
    let worker = scenario.app.worker().await;
    let worker = scenario.see_through(worker).await;
    assert_eq!(
        scenario.app.simulator.planted().await,
        Vec::<serde_json::Value>::new(),
        "every drop has struck"
    );
    scenario.assert_whole().await;
    assert_eq!(worker.log().matches("took a creation").count(), 1, "the same worker has attached again");
}
