//! What just exists on a node becomes managed.

use berth_domain::action::{ActionKind, ActionState};
use serde_json::json;

use crate::rig::Rig;

const PATH: &str = "/containers/adopt";

#[tokio::test]
async fn one_container_with_its_services_and_its_notes() {
    let mut rig = Rig::unmanaged(&["--seed", "recorded"]).await;
    rig.host("pct set 101 --description 'Mail\n\nsince *2019*, ünï'").await;
    let page = rig.browser.get("/").await;
    let form = page.form(PATH);
    assert_eq!(form.value("vmid"), Some("101"));
    let calls = rig.app.simulator.pct_calls(101).await;
    let page = rig.browser.submit(&form).await;
    let id = rig.container(101).await;
    assert_eq!(page.path, format!("/containers/{id}"));
    // A second tab, and a double click, get the same container.
    assert_eq!(rig.browser.submit(&form).await.path, format!("/containers/{id}"));
    let ended = rig.ended(id).await;
    assert_eq!((ended.kind, ended.state), (ActionKind::Adopt, ActionState::Done), "{:?}", ended.error);
    assert_eq!(rig.app.simulator.pct_calls(101).await, calls + 1, "one look into it");
    let notes = rig.host("pct config 101").await;
    assert!(notes.contains("Mail") && notes.contains("2019") && notes.contains(&id.to_string()), "{notes}");
    let page = rig.browser.get(&format!("/containers/{id}/services")).await;
    assert!(page.html.contains("ssh"), "{}", page.html);
    assert!(!rig.browser.get("/").await.html.contains(PATH), "nothing is left to adopt");
    // And it is a container like any other.
    rig.ask(id, ActionKind::Restart).await;
    assert_eq!(rig.ended(id).await.state, ActionState::Done);
}

/// A container that cannot be looked into is adopted all the same; one whose notes cannot be written is not.
#[tokio::test]
async fn what_goes_wrong_is_told() {
    let mut rig = Rig::unmanaged(&["--seed", "recorded"]).await;
    rig.app.simulator.faults(json!([{"kind": "status", "status": 403, "path": "/lxc/101/config$"}])).await;
    rig.post(PATH, &[("node", &rig.owner.node.to_string()), ("vmid", "101")]).await;
    let id = rig.container(101).await;
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Failed);
    assert!(ended.error.unwrap().contains("does not permit"));
    rig.app.simulator.faults(json!([{"kind": "ssh-refused", "count": 1}])).await;
    let page = rig.browser.get(&format!("/containers/{id}")).await;
    rig.browser.submit(&page.form(&format!("/containers/{id}/adopt"))).await;
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
    let page = rig.browser.get(&format!("/containers/{id}/history")).await;
    assert!(page.html.contains("What runs in it could not be seen"), "{}", page.html);
}

#[tokio::test]
async fn only_what_is_there_and_only_on_ones_own_nodes() {
    let mut rig = Rig::unmanaged(&["--seed", "recorded"]).await;
    let node = rig.owner.node.to_string();
    let page = rig.post(PATH, &[("node", &node), ("vmid", "999")]).await;
    assert_eq!(page.status, 409);
    assert!(page.html.contains("no container 999 on attic"), "{}", page.html);
    for (node, vmid, status) in [("", "101", 404), ("x", "101", 404), (node.as_str(), "1e9", 400)] {
        assert_eq!(rig.post(PATH, &[("node", node), ("vmid", vmid)]).await.status, status, "{node:?} {vmid}");
    }
    let other = rig.app.owner_of("eve@pam", 0).await;
    let foreign = other.node.to_string();
    assert_eq!(rig.post(PATH, &[("node", &foreign), ("vmid", "101")]).await.status, 404);
    assert_eq!(rig.browser.get(&format!("{PATH}?node={foreign}")).await.status, 404);
    assert_eq!(rig.managed().await, []);
}
