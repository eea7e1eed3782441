//! Every action in every state.

use berth_domain::CreationId;
use berth_domain::action::{ActionKind, ActionState};
use berth_operations::{creation, drafts};
use berth_testkit::{DEADLINE, TemplateFolder, wait_until};
use serde_json::json;

use crate::rig::{KINDS, Rig};

/// What is expected of an action: its end, a part of its message, and how many requests change anything on the host.
type Expected = (ActionState, &'static str, usize);

const DONE: Expected = (ActionState::Done, "", 1);
const ALREADY: Expected = (ActionState::Done, "", 0);

const fn refused(message: &'static str) -> Expected {
    (ActionState::Failed, message, 0)
}

/// Containers of the home lab: those that run, those that do not.
const RUNNING: [u32; 5] = [101, 102, 103, 104, 106];
const STOPPED: [u32; 3] = [105, 108, 112];

async fn assert_goes(rig: &mut Rig, vmid: u32, kind: ActionKind, expected: Expected) {
    let id = rig.container(vmid).await;
    rig.app.simulator.forget_calls().await;
    let page = rig.ask(id, kind).await;
    assert!([200, 404].contains(&page.status), "{kind} {vmid}: {} {}", page.status, page.html);
    let ended = rig.ended(id).await;
    let error = ended.error.clone().unwrap_or_default();
    let sent = rig.sent(vmid).await;
    assert_eq!(ended.kind, kind);
    assert_eq!((ended.state, sent.len()), (expected.0, expected.2), "{kind} {vmid}: {error} {sent:?}");
    assert!(error.contains(expected.1), "{kind} {vmid}: {error}");
    if ended.state == ActionState::Failed {
        let page = rig.browser.get(&format!("/containers/{id}")).await;
        let shown = page.html.replace("&#34;", "\"").replace("&#39;", "'");
        assert!(shown.contains(&error), "the page says why: {error}\n{shown}");
    }
}

#[tokio::test]
async fn of_running_and_stopped_containers() {
    let mut rig = Rig::start(12).await;
    let running = [DONE, DONE, DONE, DONE, refused("is running. Stop it first")];
    let running: [Expected; 5] = [ALREADY, running[1], running[2], running[3], running[4]];
    for ((vmid, kind), expected) in RUNNING.into_iter().zip(KINDS).zip(running) {
        assert_goes(&mut rig, vmid, kind, expected).await;
        assert_eq!(rig.runs(vmid).await, !matches!(kind, ActionKind::Shutdown | ActionKind::Stop), "{kind}");
    }
    let [idle, started, deleted] = STOPPED;
    for (vmid, kind, expected) in [
        (idle, ActionKind::Shutdown, ALREADY),
        (idle, ActionKind::Stop, ALREADY),
        (idle, ActionKind::Restart, refused("Start it instead")),
        (started, ActionKind::Start, DONE),
        (deleted, ActionKind::Delete, DONE),
    ] {
        assert_goes(&mut rig, vmid, kind, expected).await;
    }
    assert!(rig.runs(started).await && !rig.runs(idle).await);
    assert!(!rig.app.simulator.containers().await.contains(&deleted));
}

#[tokio::test]
async fn of_locked_and_gone_containers() {
    let mut rig = Rig::start(3).await;
    rig.host("pct set 101 --lock backup").await;
    for kind in KINDS {
        assert_goes(&mut rig, 101, kind, refused("attic is backing up pihole: wait until that has ended"))
            .await;
    }
    rig.host("pct unlock 101 && pct stop 102 && pct destroy 102").await;
    for kind in KINDS {
        let gone = refused("is not on attic any more");
        assert_goes(&mut rig, 102, kind, if kind == ActionKind::Delete { ALREADY } else { gone }).await;
    }
    assert!(rig.managed().await.iter().all(|(vmid, _)| *vmid != 102), "deleted is deleted");
}

#[tokio::test]
async fn of_containers_whose_node_does_not_answer() {
    let mut rig = Rig::start(5).await;
    let managed = rig.managed().await;
    rig.app.simulator.forget_calls().await;
    rig.app.simulator.faults(json!([{"kind": "off"}])).await;
    for ((_, id), kind) in managed.iter().zip(KINDS) {
        assert_eq!(rig.ask(*id, kind).await.status, 200);
    }
    for ((vmid, id), kind) in managed.iter().zip(KINDS) {
        let ended = rig.ended(*id).await;
        let error = ended.error.unwrap_or_default();
        assert_eq!((ended.kind, ended.state), (kind, ActionState::Failed));
        assert!(error.contains("attic") && error.contains("cannot be reached"), "{error}");
        assert_eq!(rig.sent(*vmid).await.len(), 0);
    }
}

/// Whatever is asked meanwhile, in whatever tab, is answered with what is under way.
#[tokio::test]
async fn while_another_one_is_under_way() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    rig.app
        .simulator
        .faults(json!([{"kind": "slow-task", "seconds": 6.0, "task": "vzstop", "count": 1}]))
        .await;
    rig.app.simulator.forget_calls().await;
    for kind in [ActionKind::Stop].into_iter().chain(KINDS) {
        let page = rig.ask(id, kind).await;
        assert!(page.html.contains("Stopping"), "{kind}: {}", page.html);
    }
    let ended = rig.ended(id).await;
    assert_eq!((ended.kind, ended.state), (ActionKind::Stop, ActionState::Done));
    assert_eq!(rig.sent(101).await, ["POST /nodes/pve/lxc/101/status/stop"]);
}

/// A creation whose script does not end.
async fn endless(rig: &Rig, folder: &TemplateFolder, vmid: u32) -> CreationId {
    let mut form = rig.app.creation_form(rig.owner, folder, vmid).await;
    form.os_template = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst".into();
    let draft = drafts::start(&rig.app.ctx, rig.owner.user, form).await.unwrap();
    creation::submit(&rig.app.ctx, rig.owner.user, draft.id).await.unwrap()
}

#[tokio::test]
async fn while_it_is_being_created() {
    let mut rig = Rig::start(1).await;
    let folder = TemplateFolder::new("endless").script("10-wait.sh", "sleep 600\n");
    let creation = endless(&rig, &folder, 250).await;
    let id = wait_until(DEADLINE, "the container exists", async || {
        rig.app.creation(rig.owner, creation).await.container_id
    })
    .await;
    for kind in KINDS {
        let page = rig.ask(id, kind).await;
        assert_eq!(page.status, 409, "{kind}");
        assert!(page.html.contains("still being created"), "{kind}: {}", page.html);
    }
    // Both of the worker's places for creations are taken, and an action goes its way all the same.
    let second = endless(&rig, &folder, 251).await;
    let other = rig.container(101).await;
    rig.ask(other, ActionKind::Stop).await;
    assert_eq!(rig.ended(other).await.state, ActionState::Done);
    for creation in [creation, second] {
        assert!(rig.app.creation(rig.owner, creation).await.state.is_live());
        creation::cancel(&rig.app.ctx, rig.owner.user, creation).await.unwrap();
        rig.app.ended(rig.owner, creation).await;
    }
    assert_eq!(
        rig.ask(id, ActionKind::Stop).await.status,
        200,
        "once it has ended, it is a container like any"
    );
}
