//! The list of nodes tells what a worker has seen, and when nobody looks.

use axum::body;
use scraper::{Html, Selector};
use serde_json::{Value, json};

use crate::world::World;

const OLD: &str =
    "B6:0E:72:21:19:62:65:0B:CA:85:AD:27:C6:41:73:4A:D8:FC:A9:F2:B3:19:5D:B5:EB:AA:17:9D:C4:A0:1C:80";
const NEW: &str =
    "E1:90:1C:B7:D2:8B:C9:99:6E:C7:63:60:F3:82:31:FE:FA:6A:69:97:9D:97:A9:90:3D:F6:E4:6E:7C:57:97:25";

/// What a worker has seen: the API, other members, and for how many minutes a check is due.
async fn seen(world: &World, api: Value, members: Value, due: i32) {
    let row =
        "update node_health set api = $1, api_checked_at = now(), api_since = now(), cluster_name = 'lab',
        members = $2, api_due = now() - make_interval(mins => $3), ssh_due = 'infinity'";
    sqlx::query(row).bind(api).bind(members).bind(due).execute(&world.ctx.pg).await.unwrap();
}

async fn list(world: &World, by_htmx: bool) -> String {
    let cookie = world.cookie(&world.owner).await;
    let mut headers = vec![("cookie", cookie.as_str())];
    if by_htmx {
        headers.push(("hx-request", "true"));
    }
    let answer = world.send("GET", "/settings/nodes", &headers).await;
    assert_eq!(answer.status(), 200);
    String::from_utf8(body::to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

fn text(html: &str, selector: &str) -> Vec<String> {
    let (page, selector) = (Html::parse_document(html), Selector::parse(selector).unwrap());
    let texts = page.select(&selector).map(|found| found.text().collect::<String>());
    texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn reachable() -> Value {
    json!({"state": "reachable", "version": "9.3.1"})
}

#[tokio::test]
async fn a_card_tells_what_was_seen() {
    let world = World::new().await;
    let page = list(&world, false).await;
    assert_eq!(text(&page, "#nodes .state"), ["Checking"]);
    let members = json!([
        {"name": "pve2", "address": "10.0.0.2", "online": true},
        {"name": "pve3", "address": null, "online": false},
        {"name": "pve", "address": "10.0.0.1", "online": true},
    ]);
    seen(&world, reachable(), members, 0).await;
    let page = list(&world, false).await;
    assert_eq!(text(&page, "#nodes .state"), ["Reachable"]);
    let facts = text(&page, "#nodes dl.facts dd");
    assert_eq!(facts[..2], ["9.3.1", "pve in cluster lab"]);
    assert!(facts[3].starts_with("1 container"), "{facts:?}");
    let members = Selector::parse("form[action$='/members'] input[name=name]").unwrap();
    let parsed = Html::parse_document(&page);
    let offered: Vec<_> = parsed.select(&members).filter_map(|input| input.attr("value")).collect();
    assert_eq!(offered, ["pve2"], "neither one that is offline nor one that is there");

    let changed = json!({"state": "certificate_changed", "expected": OLD, "found": NEW});
    seen(&world, changed, json!([]), 0).await;
    let page = list(&world, false).await;
    assert_eq!(text(&page, "#nodes .state"), ["Certificate changed"]);
    assert_eq!(text(&page, ".notice-error dd"), [OLD, NEW]);
    assert_eq!(text(&page, ".notice-error a[href$='/edit']"), ["Review attic"]);
    let dead = json!({"state": "unreachable", "message": "no route to <it>. Switch it on"});
    seen(&world, dead, json!([]), 0).await;
    let page = list(&world, false).await;
    assert_eq!(text(&page, "#nodes .state"), ["Unreachable"]);
    assert_eq!(text(&page, ".notice-warning p")[..2], ["Switch it on", "no route to <it>"]);
}

#[tokio::test]
async fn what_nobody_looks_at_is_not_told_as_if_it_were_so() {
    let world = World::new().await;
    seen(&world, reachable(), json!([]), 2).await;
    let page = list(&world, false).await;
    assert_eq!(text(&page, "#nodes .state"), ["Not checked"]);
    assert!(text(&page, ".notice-warning")[0].contains("Is berth worker running?"), "{page}");
    assert_eq!(text(&page, "dl.facts time").len(), 1, "when it was checked last");
}

#[tokio::test]
async fn htmx_gets_the_list_alone() {
    let world = World::new().await;
    seen(&world, reachable(), json!([]), 0).await;
    let part = list(&world, true).await;
    assert!(part.trim_start().starts_with("<div id=\"nodes\"") && !part.contains("<html"), "{part}");
    assert_eq!(text(&part, "#nodes .state"), ["Reachable"]);
}
