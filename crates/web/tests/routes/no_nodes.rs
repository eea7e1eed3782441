//! Somebody without nodes: every page works, says what is missing where it matters, and leads to adding one.

use axum::body;
use berth_domain::user::User;
use berth_operations::creation::CreationForm;
use berth_operations::drafts;
use scraper::{Html, Selector};

use crate::router::Route;
use crate::world::World;
use crate::{Kind, OWN, is_among, kind};

/// A page, or a part of one.
struct Shown {
    status: u16,
    html: String,
}

impl Shown {
    fn has(&self, selector: &str) -> bool {
        Html::parse_document(&self.html).select(&Selector::parse(selector).unwrap()).next().is_some()
    }
}

const BANNER: &str = ".banner a[href='/settings/nodes/new']";

async fn show(world: &World, user: &User, route: &Route, by_htmx: bool) -> Shown {
    let cookie = world.cookie(user).await;
    let mut headers = vec![("cookie", cookie.as_str())];
    if by_htmx {
        headers.push(("hx-request", "true"));
    }
    let response = world.send(route.0, &route.1, &headers).await;
    let status = response.status().as_u16();
    let body = body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Shown { status, html: String::from_utf8_lossy(&body).into_owned() }
}

/// Everything that somebody without nodes can reach: what everybody has, and a draft that has lost its node.
async fn reachable(world: &World) -> Vec<Route> {
    let form = CreationForm { hostname: "web".into(), vmid: "105".into(), ..CreationForm::default() };
    let draft = drafts::start(&world.ctx, world.stranger.id, form).await.unwrap();
    let routes = crate::router::routes(&world.app).into_iter();
    let theirs = routes
        // A stream has no end.
        .filter(|(_, path)| !path.ends_with("/events"))
        .filter(|route| is_among(OWN, route) || kind(&route.1) == Some(Kind::Draft))
        .filter(|(_, path)| !path.ends_with("/discard") && path != "/logout" && !path.contains("{hash}"));
    theirs.map(|(method, path)| (method, path.replace("{id}", &draft.id.to_string()))).collect()
}

#[tokio::test]
async fn nothing_fails_without_a_node() {
    let world = World::new().await;
    berth_operations::container_templates::discover(&world.ctx).await.unwrap();
    let routes = reachable(&world).await;
    assert!(routes.len() > 20, "{routes:?}");
    for route in &routes {
        for by_htmx in [false, true] {
            let shown = show(&world, &world.stranger, route, by_htmx).await;
            assert!(shown.status < 500, "{route:?}, by htmx {by_htmx}: {} {}", shown.status, shown.html);
            assert!(route.0 != "GET" || shown.status < 400, "{route:?}: {}", shown.status);
        }
    }
}

#[tokio::test]
async fn what_needs_a_node_leads_to_adding_one() {
    let world = World::new().await;
    berth_operations::container_templates::discover(&world.ctx).await.unwrap();
    let mut pages = vec![("GET", "/".to_owned()), ("GET", "/containers/new".to_owned())];
    let steps = reachable(&world).await;
    pages.extend(steps.into_iter().filter(|(method, path)| {
        let is_step =
            !path.ends_with("/vmid") && !path.ends_with("/script") && !path.contains("/os-templates");
        *method == "GET" && path.starts_with("/containers/new/") && is_step
    }));
    assert_eq!(pages.len(), 7, "{pages:?}");
    for page in &pages {
        let shown = show(&world, &world.stranger, page, false).await;
        assert!(shown.has(BANNER), "{page:?}: {}", shown.html);
    }
    let review = pages.iter().find(|(_, path)| path.ends_with("/review")).unwrap();
    let shown = show(&world, &world.stranger, review, false).await;
    assert!(shown.has(".form-foot button[type=submit][disabled]"), "{}", shown.html);
    let nodes = show(&world, &world.stranger, &("GET", "/settings/nodes".into()), false).await;
    assert!(nodes.has("#nodes a[href='/settings/nodes/new']"), "{}", nodes.html);
    let nginx =
        berth_store::container_templates::find_on_disk(&world.ctx.pg, "nginx").await.unwrap().unwrap();
    let path = format!("/templates/{}", nginx.id);
    let template = show(&world, &world.stranger, &("GET", path), false).await;
    assert!(template.has("h1"), "{}", template.html);

    // Whoever has a node sees none of this.
    for page in [("GET", "/".to_owned()), ("GET", world.owners_path("/containers/new/{id}/review"))] {
        let shown = show(&world, &world.owner, &page, false).await;
        assert!(shown.status == 200 && !shown.has(BANNER), "{page:?}: {}", shown.html);
    }
}

#[tokio::test]
async fn a_vmid_without_a_node_is_not_looked_up() {
    let world = World::new().await;
    let foreign = world.owners_path("/settings/nodes/{id}/x");
    let foreign = foreign.split('/').nth(3).unwrap();
    for query in ["?vmid=105".to_owned(), format!("?vmid=105&node={foreign}")] {
        let route = ("GET", format!("/containers/new/vmid{query}"));
        let shown = show(&world, &world.stranger, &route, true).await;
        assert!(shown.status == 200 && shown.html.contains("choose a node first"), "{}", shown.html);
    }
}
