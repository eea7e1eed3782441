//! PostgreSQL goes away for a while.

use berth_testkit::{DEADLINE, wait_until};

use crate::scenario::Scenario;

#[tokio::test]
async fn postgres_goes_away_in_mid_script_for_longer_than_a_lease() {
    let scenario = Scenario::submitted(Scenario::folder()).await;
    let worker = scenario.app.worker().await;
    scenario.until_mid_script().await;
    let noticed = async || worker.log().contains("the lease ran out").then_some(());
    scenario.app.database.away(wait_until(DEADLINE, "the worker gives its lease up", noticed)).await;
    let _worker = scenario.see_through(worker).await;
    scenario.assert_whole().await;
}

#[tokio::test]
async fn broken_connections_to_postgres_are_made_anew() {
    let scenario = Scenario::submitted(Scenario::folder()).await;
    let worker = scenario.app.worker().await;
    scenario.until_mid_script().await;
    scenario.app.database.away(std::future::ready(())).await;
    let _worker = scenario.see_through(worker).await;
    scenario.assert_whole().await;
}
