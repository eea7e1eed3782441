//! A VMID that has become another container's while a creation stood still.

use berth_domain::Vmid;
use berth_domain::creation::CreationState;
use berth_operations::{NodeConnection, creation};
use berth_proxmox::PropertyString;
use berth_proxmox::lxc::{CreateContainer, DeleteOptions};
use berth_testkit::{DEADLINE, Owner, TemplateFolder, TestApp};

const VMID: u32 = 270;

#[tokio::test]
async fn a_container_that_took_the_vmid_is_not_touched() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let folder = TemplateFolder::new("failing").script("10-broken.sh", "exit 7\n");
    let id = app.submit(owner, &folder, VMID).await;
    assert_eq!(app.ended(owner, id).await.state, CreationState::Failed);

    replace(&app, owner).await;
    let calls = app.simulator.pct_calls(VMID).await;
    creation::retry(&app.ctx, owner.user, id).await.unwrap();
    let failed = app.ended(owner, id).await;
    let message = failed.error.unwrap();
    assert_eq!(failed.state, CreationState::Failed);
    assert!(message.contains("is now \"strange\", which this creation did not make"), "{message}");
    assert_eq!(app.simulator.pct_calls(VMID).await, calls, "nothing was done to it");

    creation::remove_and_start_over(&app.ctx, owner.user, id).await.unwrap();
    assert_eq!(app.simulator.containers().await, [101, VMID], "it stays, too, when the creation is removed");
}

#[tokio::test]
async fn a_container_that_was_deleted_meanwhile_is_told_so() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let folder = TemplateFolder::new("failing").script("10-broken.sh", "exit 7\n");
    let id = app.submit(owner, &folder, VMID).await;
    assert_eq!(app.ended(owner, id).await.state, CreationState::Failed);
    delete(&NodeConnection::for_user(&app.ctx, owner.user, owner.node).await.unwrap()).await;
    creation::retry(&app.ctx, owner.user, id).await.unwrap();
    let message = app.ended(owner, id).await.error.unwrap();
    assert!(message.contains("270 is not on attic any more"), "{message}");
    assert_eq!(app.simulator.containers().await, [101]);
}

async fn delete(connection: &NodeConnection) {
    let (client, node, vmid) = (&connection.client, connection.pve_node(), Vmid::new(VMID).unwrap());
    let stopping = client.stop_container(node, vmid).await.unwrap();
    client.wait_task(&stopping, DEADLINE, 1, |_| {}).await.unwrap();
    let deleting = client.delete_container(node, vmid, DeleteOptions::default()).await.unwrap();
    client.wait_task(&deleting, DEADLINE, 1, |_| {}).await.unwrap();
}

/// Deletes the container and lets somebody make another one under its number.
async fn replace(app: &TestApp, owner: Owner) {
    let connection = NodeConnection::for_user(&app.ctx, owner.user, owner.node).await.unwrap();
    delete(&connection).await;
    let strange = CreateContainer {
        vmid: Vmid::new(VMID).unwrap(),
        ostemplate: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
        hostname: "strange".into(),
        storage: "local-ct".into(),
        disk_gib: 4,
        cores: Some(1),
        memory_mib: 512,
        swap_mib: 256,
        unprivileged: true,
        features: PropertyString::new(),
        nets: Vec::new(),
        nameserver: None,
        searchdomain: None,
        onboot: false,
        password: None,
        ssh_public_keys: Vec::new(),
        description: Some("Somebody else's".into()),
        tags: Vec::new(),
        options: Vec::new(),
    };
    let (client, node) = (&connection.client, connection.pve_node());
    let creating = client.create_container(node, &strange).await.unwrap();
    client.wait_task(&creating, DEADLINE, 1, |_| {}).await.unwrap();
    let starting = client.start_container(node, strange.vmid).await.unwrap();
    client.wait_task(&starting, DEADLINE, 1, |_| {}).await.unwrap();
}
