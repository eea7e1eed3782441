//! Scripts that fail, and owners who change their mind.

use berth_domain::creation::{CreationState, Phase};
use berth_operations::creation;
use berth_testkit::{DEADLINE, TemplateFolder, TestApp, wait_until};
use serde_json::json;

const VMID: u32 = 260;

#[tokio::test]
async fn a_failing_script_is_named_and_a_retry_goes_on_from_there() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let note = |name: &str| format!("echo {name} >>/root/ran\n");
    let folder = TemplateFolder::new("failing")
        .script("10-first.sh", &note("first"))
        .script(
            "20-broken.sh",
            &(note("broken") + "[ -e /root/repaired ] || { echo 'there is no frobnicator'; exit 7; }\n"),
        )
        .script("30-last.sh", &note("last"));
    let id = app.submit(owner, &folder, VMID).await;

    let failed = app.ended(owner, id).await;
    assert_eq!((failed.state, failed.phase), (CreationState::Failed, Phase::Syncing));
    let message = failed.error.unwrap();
    for part in ["20-broken.sh", "exit code 7", "there is no frobnicator"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(app.simulator.shell(VMID, "cat /root/ran").await, "first\nbroken\n");

    app.simulator.shell(VMID, "touch /root/repaired").await;
    creation::retry(&app.ctx, owner.user, id).await.unwrap();
    app.ready(owner, id).await;
    assert_eq!(app.simulator.shell(VMID, "cat /root/ran").await, "first\nbroken\nbroken\nlast\n");
    assert_eq!(app.simulator.requests("POST /nodes/pve/lxc").await, 1);
}

#[tokio::test]
async fn a_failing_task_is_told_in_proxmox_words_and_can_be_retried() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let fault =
        json!([{"kind": "fail-task", "task": "vzcreate", "message": "the disk is on fire", "count": 1}]);
    app.simulator.faults(fault).await;
    let id = app.submit(owner, &TemplateFolder::new("empty").script("10-a.sh", "echo a"), VMID).await;
    let failed = app.ended(owner, id).await;
    assert_eq!((failed.state, failed.phase), (CreationState::Failed, Phase::Creating));
    assert!(failed.error.as_ref().unwrap().contains("the disk is on fire"), "{:?}", failed.error);
    creation::retry(&app.ctx, owner.user, id).await.unwrap();
    app.ready(owner, id).await;
    assert_eq!(app.simulator.containers().await, [101, VMID]);
}

#[tokio::test]
async fn cancelling_ends_what_runs_inside_the_container() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let script = "sleep 1000 &\necho $! >/root/pid\necho waiting\nwait\necho over >>/root/over\n";
    let folder = TemplateFolder::new("endless")
        .script("10-endless.sh", script)
        .script("20-next.sh", "touch /root/next");
    let id = app.submit(owner, &folder, VMID).await;
    wait_until(DEADLINE, "the script waits", async || {
        (app.printed(id, 0).await == ["waiting"]).then_some(())
    })
    .await;
    app.simulator.shell(VMID, "kill -0 $(cat /root/pid)").await;

    creation::cancel(&app.ctx, owner.user, id).await.unwrap();
    assert_eq!(app.ended(owner, id).await.state, CreationState::Cancelled);
    app.simulator.until(VMID, "! kill -0 $(cat /root/pid) 2>/dev/null").await;
    app.simulator.shell(VMID, "[ ! -e /root/over ] && [ ! -e /root/next ]").await;
    assert_eq!(app.simulator.containers().await, [101, VMID], "what was made stays");
}
