//! "Discover again".

use berth_domain::discovery::ServiceKind;
use berth_testkit::Page;
use serde_json::json;

use crate::rig::{ALPINE, DEBIAN, Rig, service, texts};

/// Name, state, kind and ports of each service that is not the system's.
fn rows(page: &Page) -> Vec<String> {
    texts(&page.html, "section[aria-labelledby=services] > table tbody tr")
        .into_iter()
        .map(|row| row.replace("(opens in a new tab)", ""))
        .collect()
}

async fn discover(rig: &mut Rig, id: berth_domain::ContainerId) -> Page {
    let tab = format!("/containers/{id}/services");
    let page = rig.browser.get(&tab).await;
    rig.app.simulator.forget_calls().await;
    rig.browser.submit(&page.form(&format!("{tab}/discover"))).await
}

#[tokio::test]
async fn debian_and_docker_are_found_by_one_call() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    let prepare = "apt-get install -y -q nginx docker.io >/dev/null && systemctl start docker nginx
        docker run -d --name shop -p 8080:80 shop:1.2 && docker run -d --name old -p 9:9 old && docker stop old
        mkdir -p /etc/berth/credentials && printf 'USER=admin\\nPASSWORD=geheim-5317\\n' >/etc/berth/credentials/shop";
    rig.app.simulator.shell(DEBIAN, prepare).await;
    rig.app.simulator.until(DEBIAN, "ss -tln | grep -q :8080 && ss -tln | grep -q ':80 '").await;
    let page = discover(&mut rig, id).await;
    assert_eq!(
        (page.status, page.path.clone()),
        (200, format!("/containers/{id}/services")),
        "{}",
        page.html
    );
    let found = rows(&page);
    for wanted in ["nginx", "shop shop:1.2 Running Docker shop :8080 ", "old old Stopped Docker"] {
        assert!(found.iter().any(|row| row.starts_with(wanted)), "{wanted}: {found:#?}");
    }
    assert!(
        found.iter().any(|row| row.starts_with("nginx") && row.contains("systemd nginx :80 ")),
        "{found:#?}"
    );
    assert!(page.html.contains("http://10.77.0.") && page.html.contains(":8080/"), "{}", page.html);
    let system = texts(&page.html, "details tbody tr").join("\n");
    assert!(system.contains("ssh") && system.contains("cron"), "{system}");
    // The names of what is saved, and nothing of the values.
    let saved = texts(&page.html, "section[aria-labelledby=credentials] li");
    assert!(saved[0].starts_with("shop USER") && saved[1].starts_with("shop PASSWORD"), "{saved:?}");
    assert!(!page.html.contains("geheim-5317"));

    let calls = rig.app.simulator.calls().await;
    let of = |kind: &str| calls.iter().filter(|call| call["kind"] == kind).count();
    assert_eq!((of("exec"), of("pct")), (1, 1), "{calls:#?}");
}

#[tokio::test]
async fn alpine_is_found_by_one_call() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(ALPINE).await;
    rig.app
        .simulator
        .shell(ALPINE, "apk add nginx >/dev/null && rc-update add nginx && rc-service nginx start")
        .await;
    rig.app.simulator.until(ALPINE, "ss -tln | grep -q ':80 '").await;
    let page = discover(&mut rig, id).await;
    let found = rows(&page);
    assert!(found.iter().any(|row| row.starts_with("nginx Running OpenRC nginx :80 ")), "{found:#?}");
    assert_eq!(rig.app.simulator.pct_calls(ALPINE).await, 1);
}

#[tokio::test]
async fn what_was_known_stays_when_the_node_fails_and_the_page_says_why() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    rig.found(id, &[service("kept", ServiceKind::Systemd)], &[]).await;
    rig.app.simulator.faults(json!([{"kind": "ssh-refused"}])).await;
    let page = discover(&mut rig, id).await;
    assert_eq!(page.status, 502);
    let notice = texts(&page.html, ".notice-warning").join(" ");
    assert!(notice.contains("attic") && notice.contains("Check that the SSH server runs"), "{notice}");
    assert_eq!(rows(&page).len(), 1, "{}", page.html);

    rig.app.simulator.faults(json!([])).await;
    rig.app.simulator.root_shell(0, &format!("pct stop {DEBIAN}")).await;
    let page = discover(&mut rig, id).await;
    assert_eq!(page.status, 409);
    let notice = texts(&page.html, ".notice-warning").join(" ");
    assert!(notice.contains("ct101 is not running"), "{notice}");
    assert_eq!(rows(&page).len(), 1, "{}", page.html);
}

#[tokio::test]
async fn a_container_that_has_taken_the_vmid_is_left_alone() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    // One that Berth has made bears the mark of its creation; this one does not.
    let creation = rig.creation(300).await;
    sqlx::query("update containers set creation_id = $2 where id = $1")
        .bind(id.uuid())
        .bind(creation.uuid())
        .execute(&rig.app.ctx.pg)
        .await
        .unwrap();
    let page = discover(&mut rig, id).await;
    assert_eq!(page.status, 409, "{}", page.html);
    assert!(page.html.contains("its notes lack the line"), "{}", page.html);
    assert_eq!(rig.app.simulator.pct_calls(DEBIAN).await, 0, "nothing was done in it");
    let log = rig.browser.get(&format!("/containers/{id}/log")).await;
    assert_eq!(log.status, 409, "{}", log.html);
    assert_eq!(rig.app.simulator.pct_calls(DEBIAN).await, 0, "nothing was done in it");
}
