//! The answer while a VMID is typed.

use std::time::Duration;

use berth_operations::vmids;
use berth_store::vmids::Space;
use berth_testkit::{DEADLINE, wait_until};
use futures::future::join_all;
use serde_json::json;

use crate::rig::{Rig, step, text};

impl Rig {
    async fn space(&self) -> Space {
        let node =
            berth_store::nodes::find(&self.app.ctx.pg, self.owner.user, self.owner.node).await.unwrap();
        Space { user: self.owner.user, cluster: node.unwrap().cluster }
    }

    async fn refreshes(&self) -> usize {
        self.app.simulator.requests("GET /cluster/resources").await
    }
}

#[tokio::test]
async fn it_is_available_taken_or_could_not_be_checked() {
    let mut rig = Rig::new().await;
    let said = async |rig: &mut Rig, vmid: &str| {
        let path = format!("/containers/new/vmid?vmid={vmid}&node={}", rig.owner.node);
        let page = rig.browser.get(&path).await;
        assert_eq!(page.status, 200);
        text(&page.html, "p").trim().to_owned()
    };
    assert_eq!(said(&mut rig, "300").await, "Available");
    assert_eq!(said(&mut rig, "101").await, "Taken by ct101 on pve");
    assert!(said(&mut rig, "99").await.contains("100 to 999999999"));
    assert!(said(&mut rig, "").await.contains("100 to 999999999"));
    // A creation in flight has it as soon as it is submitted, and no longer than it lives.
    let other = rig.draft(rig.owner, &rig.form(300).await).await;
    let creation = berth_operations::creation::submit(&rig.app.ctx, rig.owner.user, other).await.unwrap();
    assert_eq!(said(&mut rig, "300").await, "Taken by web300, which is being created");
    berth_operations::creation::cancel(&rig.app.ctx, rig.owner.user, creation).await.unwrap();
    assert_eq!(said(&mut rig, "300").await, "Available");

    vmids::invalidate(&rig.app.ctx, &rig.space().await.cluster).await;
    rig.app.simulator.faults(json!([{ "kind": "status", "status": 595 }])).await;
    let unknown = said(&mut rig, "301").await;
    assert!(unknown.starts_with("Could not check: attic"), "{unknown}");
}

#[tokio::test]
async fn one_asks_the_host_and_all_hear_the_answer() {
    let rig = Rig::new().await;
    rig.app.simulator.faults(json!([{ "kind": "latency", "ms": 500, "path": "^/cluster/resources" }])).await;
    rig.app.simulator.forget_calls().await;
    let (ctx, owner) = (&rig.app.ctx, rig.owner);
    let checks = join_all((0..30).map(|_| vmids::check(ctx, owner.user, owner.node, "300"))).await;
    for check in checks {
        assert_eq!(check.unwrap(), vmids::Availability::Available);
    }
    assert_eq!(rig.refreshes().await, 1);
}

#[tokio::test]
async fn somebody_who_types_on_leaves_no_lock_behind() {
    let rig = Rig::new().await;
    rig.app.simulator.faults(json!([{ "kind": "latency", "ms": 1000, "path": "^/cluster/resources" }])).await;
    let (ctx, owner) = (&rig.app.ctx, rig.owner);
    let check = vmids::check(ctx, owner.user, owner.node, "300");
    assert!(tokio::time::timeout(Duration::from_millis(300), check).await.is_err(), "it was hung up on");
    let space = rig.space().await;
    wait_until(DEADLINE, "what the host said is cached", async || {
        berth_store::vmids::taken(&ctx.redis, &space).await.unwrap()
    })
    .await;
    assert!(!berth_store::vmids::is_refreshing(&ctx.redis, &space).await.unwrap());
}

#[tokio::test]
async fn the_wizard_asks_anew_and_a_change_is_not_taken_from_an_old_list() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let configure = step(draft, "configure");
    rig.browser.get(&configure).await;
    let before = rig.refreshes().await;
    rig.browser.get(&configure).await;
    assert_eq!(rig.refreshes().await, before + 1);
    let questions = async || rig.app.simulator.requests("GET /cluster/nextid").await;
    let asked = questions().await;
    let (ctx, owner) = (&rig.app.ctx, rig.owner);
    let available = async |vmid: &str| vmids::check(ctx, owner.user, owner.node, vmid).await.unwrap();
    assert_eq!(available("300").await, vmids::Availability::Available);
    assert_eq!(questions().await, asked, "the cache is believed");
    vmids::invalidate(ctx, &rig.space().await.cluster).await;
    assert_eq!(available("300").await, vmids::Availability::Available);
    assert!(matches!(available("101").await, vmids::Availability::Taken(_)));
    assert_eq!(questions().await, asked + 2, "its list may be behind, so the authority is asked");
}
