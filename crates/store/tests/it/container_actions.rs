//! One action at a time on a container, under a lease, and what is written down of it.

use berth_domain::action::{ActionKind, ActionState, Remedy};
use berth_domain::container_event::EventKind;
use berth_domain::{ContainerId, NodeId, UserId, Vmid};
use berth_store::container_actions::{self as actions, Claimed, End, Requested, Wanted};
use berth_store::container_events::{self as events, Filter};
use berth_store::containers::{self, Adopted};
use berth_store::{Error, PgPool, nodes};
use futures::future::join_all;

use crate::support::{EXPIRED, LEASE, NOW, creation, node, person, wide};

const START: Wanted = Wanted { kind: ActionKind::Start, purge: false, stop_first: false };

/// As many of one person are held at once.
const SHARE: u32 = 3;

async fn adopted(pg: &PgPool, user: UserId, node: NodeId, vmid: u32) -> ContainerId {
    let mut conn = pg.acquire().await.unwrap();
    let what = (Vmid::new(vmid).unwrap(), "web\0");
    match containers::adopt(&mut conn, user, node, what, NOW).await.unwrap() {
        Some(Adopted::New(id)) => id,
        other => panic!("{other:?}"),
    }
}

async fn request(pg: &PgPool, user: UserId, id: ContainerId, wanted: Wanted) -> Option<Requested> {
    let mut conn = pg.acquire().await.unwrap();
    actions::request(&mut conn, user, id, wanted, NOW).await.unwrap()
}

async fn claimed(pg: &PgPool, user: UserId, id: ContainerId, owner: &str) -> Claimed {
    let Some(Requested::Queued(action)) = request(pg, user, id, START).await else { panic!("not queued") };
    actions::claim(pg, action.id, owner, LEASE, SHARE).await.unwrap().unwrap()
}

/// A person with a node and a container on it.
async fn somebody(pg: &PgPool) -> (UserId, NodeId, ContainerId) {
    let user = person(pg, "root@pam").await;
    let home = node(pg, user, "home").await;
    (user, home, adopted(pg, user, home, 101).await)
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_many_at_once_one_is_stored(
    _: sqlx::postgres::PgPoolOptions,
    options: sqlx::postgres::PgConnectOptions,
) {
    let pg = wide(options, 8).await;
    let (user, _, id) = somebody(&pg).await;
    let asked = join_all((0..8).map(|_| request(&pg, user, id, START))).await;
    let queued = asked.iter().filter(|asked| matches!(asked, Some(Requested::Queued(_)))).count();
    let joined = asked.iter().filter(|asked| matches!(asked, Some(Requested::UnderWay(_)))).count();
    assert_eq!((queued, joined), (1, 7));
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_its_owner_asks_and_sees(pg: PgPool) {
    let (user, home, id) = somebody(&pg).await;
    let eve = person(&pg, "eve@pve").await;
    assert_eq!(request(&pg, eve, id, START).await, None);
    assert!(request(&pg, user, id, START).await.is_some());
    assert!(actions::last(&pg, eve, id).await.unwrap().is_none());
    assert!(actions::list_current(&pg, eve, NOW).await.unwrap().is_empty());
    assert!(!actions::dismiss(&pg, eve, id).await.unwrap());
    let event = (EventKind::Revealed, "nginx");
    assert!(!events::append(&pg, eve, id, event, NOW).await.unwrap());
    assert!(events::append(&pg, user, id, event, NOW).await.unwrap());
    let before = events::list(&pg, user, &Filter::default(), 9).await.unwrap()[0].id;
    for filter in [
        Filter::default(),
        Filter { container: Some(id), ..Filter::default() },
        Filter { before: Some(before), ..Filter::default() },
    ] {
        assert_eq!(events::list(&pg, eve, &filter, 9).await.unwrap(), []);
    }
    let mut conn = pg.acquire().await.unwrap();
    let what = (Vmid::new(102).unwrap(), "web");
    assert_eq!(containers::adopt(&mut conn, eve, home, what, NOW).await.unwrap(), None);
    let other = node(&pg, eve, "other").await;
    assert!(!containers::move_to(&mut conn, eve, id, other, NOW).await.unwrap());
    assert!(!containers::move_to(&mut conn, user, id, other, NOW).await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_has_the_lease_writes(pg: PgPool) {
    let (user, _, id) = somebody(&pg).await;
    let held = claimed(&pg, user, id, "a").await;
    assert!(actions::claim(&pg, held.id, "b", LEASE, SHARE).await.unwrap().is_none());
    let done = End::Done { kind: EventKind::Started, text: "", gone: false };
    for refused in [
        actions::renew(&pg, held.id, "b", LEASE).await,
        actions::note_sending(&pg, held.id, "b", None, NOW).await,
        actions::set_upid(&pg, held.id, "b", "UPID").await,
        actions::unsent(&pg, held.id, "b").await,
        actions::release(&pg, held.id, "b").await,
        actions::finish(&pg, &held, "b", done, NOW).await,
    ] {
        assert!(matches!(refused, Err(Error::LeaseLost)), "{refused:?}");
    }
    actions::note_sending(&pg, held.id, "a", Some("UPID:known"), NOW).await.unwrap();
    actions::renew(&pg, held.id, "a", EXPIRED).await.unwrap();
    // Whoever takes over finds what the first one has noted.
    assert_eq!(actions::stranded(&pg, EXPIRED).await.unwrap(), [held.id]);
    let next = actions::claim(&pg, held.id, "b", LEASE, SHARE).await.unwrap().unwrap();
    assert_eq!((next.sent_at, next.sendings, next.deliveries), (Some(NOW), 1, 2));
    assert_eq!(next.known_upid.as_deref(), Some("UPID:known"));
    actions::finish(&pg, &next, "b", done, NOW).await.unwrap();
    assert!(matches!(actions::finish(&pg, &next, "b", done, NOW).await, Err(Error::LeaseLost)));
    assert_eq!(actions::last(&pg, user, id).await.unwrap().unwrap().state, ActionState::Done);
    let events = events::list(&pg, user, &Filter::default(), 9).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((events[0].kind, events[0].actor.as_str()), (EventKind::Started, "root@pam"));
    assert_eq!(events[0].hostname, "web␀");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_keeps_all_workers_to_themselves(pg: PgPool) {
    let (user, home, _) = somebody(&pg).await;
    let mut held = Vec::new();
    for vmid in 102..102 + SHARE {
        let id = adopted(&pg, user, home, vmid).await;
        held.push(claimed(&pg, user, id, "a").await);
    }
    let one_more = adopted(&pg, user, home, 200).await;
    let Some(Requested::Queued(waiting)) = request(&pg, user, one_more, START).await else { panic!() };
    assert!(actions::claim(&pg, waiting.id, "a", LEASE, SHARE).await.unwrap().is_none());
    let eve = person(&pg, "eve@pve").await;
    let other = node(&pg, eve, "other").await;
    claimed(&pg, eve, adopted(&pg, eve, other, 101).await, "a").await;
    assert_eq!(actions::waiting(&pg, eve).await.unwrap(), None);
    // Who holds one and is gone does not count.
    actions::renew(&pg, held[0].id, "a", EXPIRED).await.unwrap();
    assert_eq!(actions::waiting(&pg, user).await.unwrap(), Some(waiting.id));
    assert!(actions::claim(&pg, waiting.id, "b", LEASE, SHARE).await.unwrap().is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_failure_stays_until_dismissed_or_the_next_action(pg: PgPool) {
    let (user, _, id) = somebody(&pg).await;
    for dismissed in [true, false] {
        let held = claimed(&pg, user, id, "a").await;
        let failed = End::Failed { error: "no\0", remedy: Some(Remedy::Stop), text: "Start: no" };
        actions::finish(&pg, &held, "a", failed, NOW).await.unwrap();
        let last = actions::last(&pg, user, id).await.unwrap().unwrap();
        assert_eq!((last.error.as_deref(), last.remedy), (Some("no␀"), Some(Remedy::Stop)));
        assert_eq!(actions::list_current(&pg, user, NOW).await.unwrap(), [last]);
        if dismissed {
            assert!(actions::dismiss(&pg, user, id).await.unwrap());
            assert!(actions::last(&pg, user, id).await.unwrap().is_none());
        }
    }
    claimed(&pg, user, id, "a").await;
    assert!(!actions::dismiss(&pg, user, id).await.unwrap(), "what is under way is not dismissed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn events_outlive_containers_and_nodes(pg: PgPool) {
    let (user, home, id) = somebody(&pg).await;
    adopted(&pg, user, home, 102).await;
    let held = claimed(&pg, user, id, "a").await;
    let gone = End::Done { kind: EventKind::Deleted, text: "100 %_\\", gone: true };
    actions::finish(&pg, &held, "a", gone, NOW).await.unwrap();
    assert!(containers::find(&pg, user, id).await.unwrap().is_none());
    assert_eq!(request(&pg, user, id, START).await, None, "it is gone");
    let mut conn = pg.acquire().await.unwrap();
    nodes::delete(&mut conn, user, home, true).await.unwrap();
    let all = events::list(&pg, user, &Filter::default(), 9).await.unwrap();
    let kinds: Vec<_> = all.iter().map(|event| (event.kind, event.vmid.get())).collect();
    assert!(kinds.contains(&(EventKind::Deleted, 101)) && kinds.contains(&(EventKind::Forgotten, 102)));
    assert_eq!(kinds.len(), 2, "what was deleted is not forgotten once more: {kinds:?}");
    // Signs of a pattern are looked for as they are.
    for (search, found) in [("100 %_\\", 1), ("%", 1), ("HOME", 2), ("102", 1), ("nobody", 0), ("\0", 2)] {
        let filter = Filter { search: Some(search.into()), ..Filter::default() };
        assert_eq!(events::list(&pg, user, &filter, 9).await.unwrap().len(), found, "{search:?}");
    }
    let filter = Filter { kind: Some(EventKind::Deleted), ..Filter::default() };
    assert_eq!(events::list(&pg, user, &filter, 9).await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn pages_neither_repeat_nor_miss_an_event(pg: PgPool) {
    let (user, _, id) = somebody(&pg).await;
    for number in 0..10 {
        // Some of one moment.
        let at = NOW + time::Duration::seconds(number / 4);
        events::append(&pg, user, id, (EventKind::Started, &number.to_string()), at).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = events::list(&pg, user, &Filter { before, ..Filter::default() }, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.into_iter().map(|event| event.text));
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (10, 10), "{seen:?}");
    assert_eq!(events::delete_beyond(&pg, 4).await.unwrap(), 6);
    let left = events::list(&pg, user, &Filter::default(), 9).await.unwrap();
    assert_eq!(
        left.iter().map(|event| &event.text).collect::<Vec<_>>(),
        seen[..4].iter().collect::<Vec<_>>()
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_being_created_is_neither_adopted_nor_acted_on(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let home = node(&pg, user, "home").await;
    let id = creation(&pg, user, home, 100).await;
    let mut conn = pg.acquire().await.unwrap();
    let what = (Vmid::new(100).unwrap(), "web");
    assert_eq!(
        containers::adopt(&mut conn, user, home, what, NOW).await.unwrap(),
        Some(Adopted::BeingCreated)
    );
    berth_store::creations::claim(&pg, id, "w", LEASE).await.unwrap().unwrap();
    let container = containers::upsert_created(&mut conn, id, "w", NOW).await.unwrap();
    assert_eq!(request(&pg, user, container, START).await, Some(Requested::BeingCreated));
}
