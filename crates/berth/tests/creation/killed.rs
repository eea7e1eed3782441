//! The worker is killed in the middle of a phase and started again.

use berth_domain::creation::{Phase, StepState};
use berth_operations::creation;
use serde_json::{Value, json};

use crate::scenario::{Scenario, VMID};

/// Makes looking for services take long the first time: a `docker` that hangs.
const SLOW_DOCKER: &str = "mkdir -p /usr/local/bin
cat >/usr/local/bin/docker <<'EOF'
#!/bin/sh
[ ! -e /root/asked ] || exit 1
touch /root/asked
sleep 20
EOF
chmod 755 /usr/local/bin/docker
";

/// Kills the worker at `moment`, in `phase`, and lets another one finish.
async fn survives(scenario: Scenario, phase: Phase, faults: Value, moment: impl AsyncFn(&Scenario)) {
    scenario.app.simulator.faults(faults).await;
    let mut worker = scenario.app.worker().await;
    moment(&scenario).await;
    worker.kill();
    let creation = scenario.creation().await;
    assert!(
        creation.state.is_live() && creation.phase == phase,
        "killed too late: {:?} {}",
        creation.state,
        creation.phase
    );
    let _worker = scenario.see_through(scenario.app.worker().await).await;
    scenario.assert_whole().await;
}

/// The same worker's creation, killed in every phase and in the middle of its script.
#[tokio::test]
async fn in_every_phase_of_one_creation() {
    let folder = (0..80)
        .fold(Scenario::folder(), |folder, number| folder.file(&format!("/srv/files/{number}"), "content\n"));
    let scenario = Scenario::submitted(folder.script("20-docker.sh", SLOW_DOCKER)).await;
    let slow = |task: &str| json!({"kind": "slow-task", "seconds": 2.0, "task": task, "count": 1});
    scenario.app.simulator.faults(json!([slow("vzcreate"), slow("vzstart")])).await;
    for phase in Phase::ALL {
        let mut worker = scenario.app.worker().await;
        match phase {
            Phase::Creating => scenario.until("the task runs", |creation| creation.upid.is_some()).await,
            Phase::Starting => {
                scenario
                    .until("the start runs", |creation| creation.phase == phase && creation.upid.is_some())
                    .await;
            }
            Phase::Deploying => scenario.until_told("Bringing").await,
            Phase::Syncing => scenario.until_mid_script().await,
            Phase::Finalizing => scenario.app.simulator.until(VMID, "[ -e /root/asked ]").await,
        }
        worker.kill();
        let creation = scenario.creation().await;
        assert!(
            creation.state.is_live() && creation.phase == phase,
            "killed too late: {:?} {}",
            creation.state,
            creation.phase
        );
    }
    let _worker = scenario.see_through(scenario.app.worker().await).await;
    scenario.assert_whole().await;
}

/// Told to end, it hands its creation over at once, without waiting for the lease.
#[tokio::test]
async fn a_worker_that_is_told_to_end_hands_over() {
    let scenario = plain().await;
    let mut worker = scenario.app.worker().await;
    scenario.until_mid_script().await;
    assert_eq!(worker.stop().code(), Some(0), "{}", worker.log());
    assert_eq!(scenario.app.lease_owner(scenario.id).await, None);
    let _worker = scenario.see_through(scenario.app.worker().await).await;
    scenario.assert_whole().await;
}

async fn plain() -> Scenario {
    Scenario::submitted(Scenario::folder()).await
}

fn slow(task: &str) -> Value {
    json!([{"kind": "slow-task", "seconds": 4.0, "task": task, "count": 1}])
}

#[tokio::test]
async fn while_creating() {
    let moment =
        async |scenario: &Scenario| scenario.until("the task runs", |creation| creation.upid.is_some()).await;
    survives(plain().await, Phase::Creating, slow("vzcreate"), moment).await;
}

/// The create was sent and its answer never seen: the next worker must find the task or the container, not ask again.
#[tokio::test]
async fn before_the_answer_to_the_create_arrives() {
    let moment = async |scenario: &Scenario| {
        scenario.until_told("Creating container").await;
        let asked =
            async || (scenario.app.simulator.requests("POST /nodes/pve/lxc").await == 1).then_some(());
        berth_testkit::wait_until(berth_testkit::DEADLINE, "the create is sent", asked).await;
        assert_eq!(scenario.creation().await.upid, None, "the answer must not be known yet");
    };
    let faults = json!([{"kind": "drop", "acted": true, "path": "^/nodes/pve/lxc$", "count": 1},
        {"kind": "latency", "ms": 3000, "path": "^/nodes/pve/(lxc/250/config|tasks)", "count": 1},
        {"kind": "slow-task", "seconds": 4.0, "task": "vzcreate", "count": 1}]);
    survives(plain().await, Phase::Creating, faults, moment).await;
}

#[tokio::test]
async fn while_starting() {
    let moment = async |scenario: &Scenario| {
        scenario
            .until("the start runs", |creation| creation.phase == Phase::Starting && creation.upid.is_some())
            .await;
    };
    survives(plain().await, Phase::Starting, slow("vzstart"), moment).await;
}

#[tokio::test]
async fn while_deploying() {
    // Many files, so that putting them in place takes a moment.
    let folder = (0..80)
        .fold(Scenario::folder(), |folder, number| folder.file(&format!("/srv/files/{number}"), "content\n"));
    let moment = async |scenario: &Scenario| scenario.until_told("Bringing").await;
    survives(Scenario::submitted(folder).await, Phase::Deploying, json!([]), moment).await;
}

#[tokio::test]
async fn while_the_script_is_launched() {
    let moment = async |scenario: &Scenario| {
        scenario.until("syncing begins", |creation| creation.phase == Phase::Syncing).await;
    };
    survives(plain().await, Phase::Syncing, json!([]), moment).await;
}

#[tokio::test]
async fn in_the_middle_of_a_script() {
    let moment = async |scenario: &Scenario| {
        scenario.until_mid_script().await;
        let steps = creation::show(&scenario.app.ctx, scenario.owner.user, scenario.id).await.unwrap().steps;
        assert_eq!(steps[0].state, StepState::Running);
    };
    survives(plain().await, Phase::Syncing, json!([]), moment).await;
}

#[tokio::test]
async fn while_finalizing() {
    let folder = Scenario::folder().script("20-docker.sh", SLOW_DOCKER);
    let moment = async |scenario: &Scenario| scenario.app.simulator.until(VMID, "[ -e /root/asked ]").await;
    survives(Scenario::submitted(folder).await, Phase::Finalizing, json!([]), moment).await;
}
