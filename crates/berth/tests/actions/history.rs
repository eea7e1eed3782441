//! What is written down, and kept when container and node are gone.

use berth_domain::action::{ActionKind, ActionState};
use berth_operations::nodes;
use berth_testkit::form::Form;

use crate::rig::Rig;

#[tokio::test]
async fn is_kept_when_the_container_and_its_node_are_gone() {
    let mut rig = Rig::start(2).await;
    let id = rig.container(101).await;
    let url = format!("/containers/{id}");
    rig.ask(id, ActionKind::Stop).await;
    rig.ended(id).await;

    // What is typed must be its name.
    let page = rig.browser.get(&format!("{url}/delete")).await;
    let form = page.form(&format!("{url}/delete"));
    let page = rig.browser.submit(&form.clone().set("hostname", "pihol")).await;
    assert_eq!(page.status, 422);
    assert!(page.html.contains("Type pihole to delete it"), "{}", page.html);
    rig.browser.submit(&form.set("hostname", " pihole ").tick("purge")).await;
    let ended = rig.ended(id).await;
    assert_eq!((ended.kind, ended.state), (ActionKind::Delete, ActionState::Done), "{:?}", ended.error);
    let calls = rig.app.simulator.calls().await;
    let delete = calls.iter().find(|call| call["what"] == "DELETE /nodes/pve/lxc/101").unwrap();
    assert_eq!(
        delete["params"],
        serde_json::json!(["purge"]),
        "and never disks that its config does not name"
    );

    let page = rig.browser.get(&url).await;
    assert_eq!(page.path, format!("{url}/history"));
    for word in ["pihole", "Adopted", "Stopped", "Deleted", "root@pam", "attic", "backup jobs"] {
        assert!(page.html.contains(word), "{word}: {}", page.html);
    }

    nodes::delete(&rig.app.ctx, rig.owner.user, rig.owner.node, true).await.unwrap();
    let page = rig.browser.get("/history").await;
    for word in ["pihole", "vaultwarden", "Deleted", "Forgotten", "With its node"] {
        assert!(page.html.contains(word), "{word}: {}", page.html);
    }
    assert_eq!(rig.browser.get(&url).await.path, format!("{url}/history"));
    let page = rig.browser.get("/history?q=VAULT&kind=forgotten").await;
    assert!(page.html.contains("vaultwarden") && !page.html.contains("pihole"), "{}", page.html);
    let page = rig.browser.get("/history?q=%00%FF&kind=nonsense&before=x").await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("Nothing found"), "{}", page.html);
}

#[tokio::test]
async fn of_a_running_container_that_is_deleted_only_when_told_to_stop_it() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    let path = format!("/containers/{id}/delete");
    let page = rig.browser.get(&path).await;
    let form: Form = page.form(&path).set("hostname", "pihole");
    rig.browser.submit(&form.clone()).await;
    let error = rig.ended(id).await.error.unwrap();
    assert!(error.contains("is running"), "{error}");
    rig.browser.submit(&form.tick("stop_first")).await;
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
    assert_eq!(rig.app.simulator.containers().await, Vec::<u32>::new());
}
