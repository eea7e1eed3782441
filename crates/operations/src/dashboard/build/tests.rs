use berth_domain::{ActionId, ContainerId, TokenId};

use super::*;

const AT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn seconds(count: i64) -> OffsetDateTime {
    AT + Duration::seconds(count)
}

fn node() -> Node {
    Node {
        id: NodeId::new(),
        name: "attic".into(),
        address: "pve.lan:8006".parse().unwrap(),
        certificate: None,
        token_id: "root@pam!berth".parse::<TokenId>().unwrap(),
        pve_node_name: "pve".into(),
        cluster: "home".into(),
        pve_version: "9.2.11".into(),
        ssh: None,
        is_default: true,
        created_at: AT,
    }
}

fn container(node: &Node) -> Arc<Container> {
    Arc::new(Container {
        id: ContainerId::new(),
        node_id: node.id,
        creation_id: None,
        vmid: Vmid::new(101).unwrap(),
        hostname: "web".into(),
        container_template: None,
        address: None,
        services: Vec::new(),
        discovered_at: None,
        created_at: AT,
    })
}

fn guest(vmid: u32, pve_node: &str, running: Option<bool>) -> Guest {
    Guest {
        vmid: Vmid::new(vmid).unwrap(),
        name: None,
        pve_node: pve_node.into(),
        running,
        lock: None,
        tags: Vec::new(),
        is_clone_source: false,
        usage: Usage { cpu: Some(0.5), ..Usage::default() },
    }
}

fn state_of(sighting: Option<&Sighting>, now: i64) -> State {
    let node = node();
    managed_row(&node, &container(&node), sighting, &[], seconds(now)).state
}

#[test]
fn a_node_that_does_not_answer_is_not_an_empty_one() {
    let seen = |running| Sighting::seen(seconds(99), vec![guest(101, "pve", running)]);
    assert_eq!(state_of(Some(&seen(Some(true))), 100), State::Running);
    assert_eq!(state_of(Some(&seen(Some(false))), 100), State::Stopped);
    assert!(matches!(state_of(Some(&seen(None)), 100), State::Unknown(_)));
    assert!(matches!(state_of(None, 100), State::Unknown(_)));
    let dead = seen(Some(true)).failed(seconds(100), "dead".into());
    assert_eq!(state_of(Some(&dead), 100), State::Unknown("dead".into()));
    let empty = Sighting::seen(seconds(99), Vec::new());
    assert_eq!(state_of(Some(&empty), 100), State::Gone);
    assert!(matches!(state_of(Some(&empty), 5), State::Unknown(_)), "too new to be listed");
}

#[test]
fn one_that_lives_on_another_member_has_moved_and_is_not_steered_from_here() {
    let moved = Sighting::seen(seconds(99), vec![guest(101, "pve2", Some(true))]);
    let State::Unknown(cause) = state_of(Some(&moved), 100) else { panic!("it is not known") };
    assert!(cause.contains("pve2"), "{cause}");
}

#[test]
fn what_an_action_has_done_counts_until_the_list_is_new_enough() {
    let (node, seen) = (node(), |at| Sighting::seen(seconds(at), vec![guest(101, "pve", Some(true))]));
    let container = container(&node);
    let stopped = |state, finished_at: Option<i64>| Action {
        id: ActionId::new(),
        container_id: container.id,
        kind: ActionKind::Stop,
        state,
        error: None,
        remedy: None,
        created_at: AT,
        finished_at: finished_at.map(seconds),
    };
    let row = |at, action| managed_row(&node, &container, Some(&seen(at)), &[action], seconds(at + 1));
    assert_eq!(row(105, stopped(ActionState::Done, Some(100))).state, State::Stopped);
    assert_eq!(row(111, stopped(ActionState::Done, Some(100))).state, State::Running);
    let going_on = row(105, stopped(ActionState::Running, None));
    assert_eq!((going_on.state, going_on.under_way), (State::Running, Some(ActionKind::Stop)));
}

#[test]
fn a_container_that_somebody_was_inside_of_runs_whatever_an_older_list_says() {
    let node = node();
    let inside = Arc::new(Container { discovered_at: Some(seconds(100)), ..(*container(&node)).clone() });
    let row = |seen, guests| {
        let sighting = Sighting::seen(seconds(seen), guests);
        managed_row(&node, &inside, Some(&sighting), &[], seconds(112)).state
    };
    let stopped = || vec![guest(101, "pve", Some(false))];
    assert_eq!(row(95, stopped()), State::Running);
    assert_eq!(row(95, Vec::new()), State::Running);
    assert_eq!(row(111, stopped()), State::Stopped);
    assert_eq!(row(111, Vec::new()), State::Gone);
}

#[test]
fn a_list_made_while_nobody_looked_says_when() {
    let node = node();
    let old = Sighting::seen(seconds(10), vec![guest(101, "pve", Some(true))]);
    let row = |now| managed_row(&node, &container(&node), Some(&old), &[], seconds(now));
    assert_eq!((row(20).state, row(20).last_seen), (State::Running, None));
    assert_eq!((row(999).state, row(999).last_seen), (State::Running, Some(seconds(10))));
}

#[test]
fn a_dashboard_has_each_container_once_and_only_those_of_its_own_nodes() {
    let node = node();
    let known = container(&node);
    let guests = vec![
        guest(101, "pve", Some(true)),
        guest(102, "pve", Some(false)),
        guest(103, "pve2", Some(true)),
        Guest { is_clone_source: true, ..guest(104, "pve", Some(false)) },
    ];
    let sightings = Sightings::from([(node.id, Arc::new(Sighting::seen(seconds(1), guests)))]);
    let stored = Stored { nodes: vec![node], containers: vec![known], ..Stored::default() };
    let found = dashboard(&stored, &sightings, seconds(2));
    let vmids: Vec<_> = found.rows.iter().map(|row| (row.vmid.get(), row.container.is_some())).collect();
    assert_eq!(vmids, [(102, false), (101, true)]);
    assert_eq!(found.nodes[0].containers, 2);
    assert_eq!(found.rows[0].usage.cpu, None, "it is stopped");
}

#[test]
fn what_was_deleted_does_not_come_back_with_a_list_that_still_has_it() {
    let node = node();
    let shown = |seen: i64| {
        let guests = vec![guest(101, "pve", Some(true)), guest(102, "pve", Some(true))];
        let sightings = Sightings::from([(node.id, Arc::new(Sighting::seen(seconds(seen), guests)))]);
        let deleted = vec![(node.id, Vmid::new(101).unwrap(), seconds(100))];
        let stored = Stored { nodes: vec![node.clone()], deleted, ..Stored::default() };
        dashboard(&stored, &sightings, seconds(seen + 1)).rows.len()
    };
    assert_eq!(shown(105), 1);
    assert_eq!(shown(111), 2, "somebody has made it again");
}
