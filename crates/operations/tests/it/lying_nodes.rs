//! Nodes that say more than any real one does: what they say stays within bounds.

use std::collections::BTreeSet;

use berth_domain::UserId;
use berth_domain::os_template::DownloadState;
use berth_domain::{NodeId, Vmid};
use berth_operations::creation::{CreationForm, Original, like};
use berth_operations::vmids::{self, Availability, By};
use berth_operations::{Context, Settings, drafts, node_options, os_templates};
use berth_store::PgPool;
use serde_json::{Value, json};

use crate::host::AnsweringHost;
use crate::support::{context, node_at, person};

/// The wizard's user and a node of theirs, `attic`, that answers so.
async fn rig(
    pg: PgPool,
    answers: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> (Context, UserId, NodeId, AnsweringHost) {
    let ctx = context(pg, Settings::default()).await;
    let alice = person(&ctx, "alice@pve").await;
    let host = AnsweringHost::start(answers).await;
    let attic = node_at(&ctx, alice, "attic", host.address, host.fingerprint).await;
    (ctx, alice, attic, host)
}

/// So many guests; one of them with that name. Written once: the host has little time to answer.
fn guests(count: u32, name: &str) -> impl Fn(&str) -> Value + Send + Sync + 'static {
    let guest = |number| match number {
        101 => json!({ "id": "lxc/101", "type": "lxc", "vmid": number, "name": name }),
        _ => json!({ "id": "lxc/1", "type": "lxc", "vmid": number }),
    };
    let list: Value = (100..100 + count).map(guest).collect();
    move |_| list.clone()
}

async fn check(ctx: &Context, user: UserId, node: NodeId) -> Availability {
    vmids::check(ctx, user, node, "101").await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn more_guests_than_a_cluster_has_are_not_looked_through(pg: PgPool) {
    let (ctx, alice, attic, _host) = rig(pg, guests(20_001, "x")).await;
    let answer = check(&ctx, alice, attic).await;
    let Availability::Unknown(message) = &answer else { panic!("{answer:?}") };
    assert!(message.contains("attic") && message.contains("20000 guests"), "{message}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_list_of_guests_without_end_is_not_read(pg: PgPool) {
    let (ctx, alice, attic, _host) = rig(pg, guests(9, &"x".repeat(9 << 20))).await;
    let answer = check(&ctx, alice, attic).await;
    let Availability::Unknown(message) = &answer else { panic!("{answer:?}") };
    assert!(message.contains("attic") && message.contains("exceeds"), "{message}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn as_many_guests_as_a_cluster_may_have_are_kept_with_short_names(pg: PgPool) {
    let (ctx, alice, attic, _host) = rig(pg, guests(20_000, &"ü".repeat(101))).await;
    let answer = check(&ctx, alice, attic).await;
    let Availability::Taken(By::Guest { name, .. }) = &answer else { panic!("{answer:?}") };
    assert_eq!(name.chars().count(), 100);
}

const STORAGES: usize = 150;

/// 150 storages with 60 OS templates each, and a catalogue of 5,100.
fn much(request: &str) -> Value {
    let file = |number: usize| format!("debian-12_{number}.tar.zst");
    let storage = |number: usize| json!({ "storage": format!("s{number}"), "type": "dir", "content": "vztmpl", "enabled": 1, "active": 1 });
    if let Some(storage) = request.strip_prefix("GET /nodes/pve/storage/") {
        let storage = storage.split('/').next().unwrap();
        let volume = |number| json!({ "volid": format!("{storage}:vztmpl/{}", file(number)) });
        let long = json!({ "volid": format!("{storage}:vztmpl/{}", "x".repeat(300)) });
        return std::iter::once(long).chain((0..60).map(volume)).collect();
    }
    if request.starts_with("GET /nodes/pve/storage") {
        return (0..STORAGES).map(storage).collect();
    }
    let appliance = |number| json!({ "template": file(number), "section": "system" });
    match request {
        "GET /nodes/pve/aplinfo" => (0..5100).map(appliance).collect(),
        _ => json!([]),
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_storages_and_os_templates_without_end_some_are_looked_through(pg: PgPool) {
    let (ctx, alice, attic, host) = rig(pg, much).await;
    let options = node_options::options(&ctx, alice, attic).await.unwrap();
    let found = options.os_templates.unwrap();
    assert!(!found.is_empty() && found.len() <= 5000, "{}", found.len());
    assert!(found.iter().all(|each| each.volid.len() <= 255));
    assert!(host.asked("/content") <= 100, "{} storages were asked", host.asked("/content"));
    // Three questions about the node itself come first; one that has its answer may still be counted.
    assert!(host.most_open() <= 20, "{} at once", host.most_open());

    let catalogue = os_templates::catalogue(&ctx, alice, attic).await.unwrap();
    let appliances: Vec<_> = catalogue.sections.into_iter().flat_map(|section| section.appliances).collect();
    assert_eq!(appliances.len(), 5000);
    let on: BTreeSet<_> = appliances.iter().flat_map(|appliance| &appliance.on).collect();
    assert!(!on.is_empty(), "what is there is said to be there");
}

const UPID: &str = "UPID:pve:00001099:0000E85B:6B00E53E:download:debian-12_1.tar.zst:alice@pve!berth:";

#[sqlx::test(migrations = "../../migrations")]
async fn how_a_download_ended_is_said_in_few_words(pg: PgPool) {
    let (ctx, alice, attic, _host) = rig(pg, |request| match request {
        "POST /nodes/pve/aplinfo" => json!(UPID),
        status if status.ends_with("/status") => {
            json!({ "upid": UPID, "status": "stopped", "exitstatus": "x".repeat(1 << 20) })
        }
        _ => json!([]),
    })
    .await;
    let draft = drafts::start(&ctx, alice, CreationForm::default()).await.unwrap().id;
    os_templates::download(&ctx, alice, draft, (attic, "local", "debian-12_1.tar.zst")).await.unwrap();
    let ended = os_templates::progress(&ctx, alice, draft).await.unwrap().unwrap().download;
    assert_eq!(ended.state, DownloadState::Failed);
    let error = ended.error.unwrap();
    assert!(error.len() < 1000 && error.contains("attic") && error.contains("Start it again"), "{error}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_configuration_without_end_fills_no_draft(pg: PgPool) {
    let (ctx, alice, attic, _host) = rig(pg, |_| {
        let long = "x".repeat(100_000);
        json!({
            "hostname": long, "ostype": long, "rootfs": format!("{long}:vm-1-disk-0,size=8G"), "nameserver": long,
            "searchdomain": long, "tags": long, "net0": format!("name=eth0,bridge={long},gw={long},gw6={long},tag={long}"),
        })
    })
    .await;
    let form = like(&ctx, alice, Original::Guest(attic, Vmid::new(101).unwrap())).await.unwrap();
    let size = serde_json::to_string(&form).unwrap().len();
    assert!(size < 20_000, "{size} bytes");
}
