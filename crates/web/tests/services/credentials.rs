//! Credentials, on request.

use berth_domain::discovery::Credential;
use berth_testkit::form::Form;

use crate::rig::{DEBIAN, Rig, texts};

const VALUE: &str = "geheim<b>5317";

#[tokio::test]
async fn a_value_is_shown_to_its_owner_when_asked_and_kept_nowhere() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    let saved = |service: &str, key: &str| Credential { service: service.into(), key: key.into() };
    rig.found(id, &[], &[saved("shop", "USER"), saved("shop", "PASSWORD"), saved("gone", "KEY")]).await;
    let write = format!(
        "mkdir -p /etc/berth/credentials; printf 'USER=admin\\nPASSWORD={VALUE}\\nOTHER=x\\n' >/etc/berth/credentials/shop"
    );
    rig.app.simulator.shell(DEBIAN, &write).await;
    let tab = format!("/containers/{id}/services");
    let page = rig.browser.get(&tab).await;
    assert!(!page.html.contains("geheim"));
    let reveal = format!("/containers/{id}/credentials/reveal");
    let form = page.form(&reveal);
    assert_eq!((form.value("service"), form.value("key")), (Some("shop"), Some("USER")));

    rig.app.simulator.forget_calls().await;
    let page = rig.browser.submit(&form.clone().set("key", "PASSWORD")).await;
    assert_eq!(page.status, 200);
    assert_eq!(texts(&page.html, "#credential-1-value"), [VALUE], "{}", page.html);
    assert!(!page.html.contains("<b>5317") && !page.html.contains(">admin<"), "only what was asked for");
    assert_eq!(rig.app.simulator.pct_calls(DEBIAN).await, 1);
    assert!(!page.path.contains("geheim"));
    assert!(!rig.browser.get(&tab).await.html.contains("geheim"), "hidden again");

    // What is not listed is not read, and what is gone says so.
    let status = async |rig: &mut Rig, service: &str, key: &str| {
        rig.browser.submit(&form.clone().set("service", service).set("key", key)).await.status
    };
    for (service, key) in [("shop", "OTHER"), ("../../shadow", "root"), ("shop", "PASS"), ("..", "x")] {
        assert_eq!(status(&mut rig, service, key).await, 404, "{service} {key}");
    }
    assert_eq!(status(&mut rig, "gone", "KEY").await, 409);
    assert_eq!(status(&mut rig, "", "").await, 400);

    // That it was shown is in the history; the value is nowhere: not in a log, not in the database, not in Redis.
    let history = rig.browser.get(&format!("/containers/{id}/history")).await;
    assert_eq!(history.html.matches("Showed PASSWORD of shop").count(), 1, "{}", history.html);
    assert!(!history.html.contains("geheim"));
    assert!(!rig.web.log().contains("geheim") && !rig.app.redis.writes().contains("geheim"));
    assert!(!rig.app.database.text().await.contains("geheim"));
}

#[tokio::test]
async fn htmx_gets_one_row_and_nobody_keeps_it() {
    let rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    rig.found(id, &[], &[Credential { service: "shop".into(), key: "KEY".into() }]).await;
    let write = "mkdir -p /etc/berth/credentials; echo KEY=geheim-5317 >/etc/berth/credentials/shop";
    rig.app.simulator.shell(DEBIAN, write).await;
    let url = format!("{}/containers/{id}/credentials/reveal", rig.browser.base());
    let request = berth_testkit::browser::http().post(url).form(&[("service", "shop"), ("key", "KEY")]);
    let request = request.header("cookie", rig.cookie()).header("hx-request", "true");
    let answer = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let row = answer.text().await.unwrap();
    assert!(row.contains("geheim-5317") && !row.contains("<html"), "{row}");
    assert!(Form::of(&row, "/").is_none() && row.contains("Hide"), "{row}");
}
