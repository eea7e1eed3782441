//! A container that has moved to another member of its cluster.

use berth_domain::action::{ActionKind, ActionState};

use crate::rig::Rig;

const TEMPLATE: &str = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst";

/// Adopts 101 on `pve`, then takes it off there and puts a container with its notes on `pve2`.
async fn moved() -> (Rig, berth_domain::ContainerId) {
    let mut rig = Rig::unmanaged(&["--nodes", "3", "--cluster", "--seed", "recorded"]).await;
    let node = rig.owner.node.to_string();
    rig.post("/containers/adopt", &[("node", &node), ("vmid", "101")]).await;
    let id = rig.container(101).await;
    assert_eq!(rig.ended(id).await.state, ActionState::Done);
    rig.host("pct stop 101; pct destroy 101").await;
    let create = format!(
        "pct create 101 {TEMPLATE} --hostname ct101 --storage local-ct --description 'berth-container: {id}' && pct start 101"
    );
    rig.app.simulator.root_shell(1, &create).await;
    (rig, id)
}

#[tokio::test]
async fn is_followed_to_another_of_ones_nodes() {
    let (mut rig, id) = moved().await;
    // Somebody else's node is no place to follow it to.
    rig.app.owner_of("eve@pam", 1).await;
    rig.ask(id, ActionKind::Restart).await;
    let error = rig.ended(id).await.error.unwrap();
    assert!(error.contains("has moved from attic to pve2") && error.contains("Add that member"), "{error}");

    sqlx::query("update nodes set name = 'first' where name = 'attic' and user_id = $1")
        .bind(rig.owner.user.uuid())
        .execute(&rig.app.ctx.pg)
        .await
        .unwrap();
    let second = rig.app.owner_of("root@pam", 1).await;
    assert_eq!(second.user, rig.owner.user);
    rig.app.simulator.forget_calls().await;
    rig.ask(id, ActionKind::Stop).await;
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
    assert_eq!(rig.sent(101).await, ["POST /nodes/pve2/lxc/101/status/stop"]);
    let page = rig.browser.get(&format!("/containers/{id}/history")).await;
    assert!(page.html.contains("From first to attic"), "{}", page.html);
}
