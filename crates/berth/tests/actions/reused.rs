//! A VMID that has become another container's behind our back.

use berth_domain::action::{ActionKind, ActionState, Remedy};

use crate::rig::{KINDS, Rig};

/// Deletes the container and makes another one under its number.
async fn replace(rig: &Rig, notes: &str) {
    rig.host("pct stop 101; pct destroy 101").await;
    let template = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst";
    rig.host(&format!(
        "pct create 101 {template} --hostname strange --storage local-ct --description '{notes}' && pct start 101"
    ))
    .await;
}

#[tokio::test]
async fn nothing_is_done_to_the_other_container_until_somebody_says_that_it_is_the_one() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    // The line of yet another container, as a clone or a restored backup brings it along.
    replace(&rig, "berth-container: 018f0000-0000-7000-8000-000000000000").await;
    rig.app.simulator.forget_calls().await;
    for kind in KINDS {
        rig.ask(id, kind).await;
        let ended = rig.ended(id).await;
        let error = ended.error.unwrap_or_default();
        assert_eq!((ended.kind, ended.state, ended.remedy), (kind, ActionState::Failed, Some(Remedy::Adopt)));
        assert!(error.contains("is now \"strange\"") && error.contains("Nothing was done to it"), "{error}");
    }
    assert_eq!(rig.sent(101).await, Vec::<String>::new());
    assert!(rig.runs(101).await);

    let page = rig.browser.get(&format!("/containers/{id}")).await;
    let page = rig.browser.submit(&page.form(&format!("/containers/{id}/adopt"))).await;
    assert_eq!(page.status, 200);
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
    let notes = rig.host("pct config 101 | grep description").await;
    assert_eq!(notes.matches("berth-container").count(), 1, "{notes}");
    assert!(notes.contains(&id.to_string()), "{notes}");
    rig.ask(id, ActionKind::Stop).await;
    assert_eq!(rig.ended(id).await.state, ActionState::Done);
    assert!(!rig.runs(101).await);
    assert!(
        rig.browser.get(&format!("/containers/{id}")).await.html.contains("strange"),
        "it is called as it is"
    );
}

#[tokio::test]
async fn it_can_be_forgotten_instead() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    replace(&rig, "none of ours").await;
    rig.ask(id, ActionKind::Delete).await;
    assert_eq!(rig.ended(id).await.state, ActionState::Failed);
    let page = rig.browser.get(&format!("/containers/{id}")).await;
    let page = rig.browser.submit(&page.form(&format!("/containers/{id}/forget"))).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200));
    assert_eq!(rig.managed().await, []);
    assert_eq!(rig.app.simulator.containers().await, [101], "on Proxmox it stays");
    // What is left of it is its history.
    let page = rig.browser.get(&format!("/containers/{id}")).await;
    assert_eq!(page.path, format!("/containers/{id}/history"));
    assert!(page.html.contains("Forgotten") && page.html.contains("Adopted"), "{}", page.html);
}
