//! Whatever is typed: said beside its field, and nothing of it lost.

use axum::http::StatusCode;

use crate::rig::{ROOT, Rig};

#[tokio::test]
async fn what_cannot_be_right_is_said_beside_its_field_and_stays() {
    let rig = Rig::new().await;
    let mut visitor = rig.visitor();
    let form = rig.filled(&mut visitor, "", ROOT).await;
    let long = "x".repeat(300);
    for (field, typed) in [
        ("host", ""),
        ("host", "  "),
        ("host", "p ve"),
        ("host", "pv\u{e9}.lan"),
        ("host", "http://pve.lan:8006/"),
        ("host", "[fe80::1"),
        ("host", "\"><script>alert(1)</script>"),
        ("host", &long),
        ("port", "0"),
        ("port", "70000"),
        ("port", "http"),
        ("port", "-8006"),
        ("user", ""),
        ("user", "ro ot"),
        ("user", "a/b"),
        ("user", &long),
        ("realm", "b@d"),
        ("password", ""),
    ] {
        let page = visitor.submit(&form.clone().set(field, typed)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {typed:?}");
        let message = format!("#f-{field}-error");
        assert_eq!((page.count(".field-error"), page.count(&message)), (1, 1), "{field}: {typed:?}");
        let shown = page.form("/login");
        for name in ["host", "port", "user", "realm", "next"]
            .into_iter()
            .filter(|name| (*name, field) != ("port", "port"))
        {
            let expected = if name == field { Some(typed) } else { form.value(name) };
            assert_eq!(shown.value(name), expected, "{name} after {field}: {typed:?}");
        }
        assert_eq!(shown.value("password"), Some(""), "it is never sent back");
        assert!(!page.html.contains(ROOT.1) && !page.html.contains("<script>alert"), "{field}: {typed:?}");
    }
    assert_eq!(rig.app.simulator.requests("POST /access/ticket").await, 0);
}

#[tokio::test]
async fn the_address_of_proxmox_own_page_will_do() {
    let rig = Rig::new().await;
    let mut visitor = rig.visitor();
    let form = rig.filled(&mut visitor, "", ROOT).await;
    let pasted = format!(" https://{}/#v1:0:18:4:::::: ", rig.app.simulator.api);
    let page = visitor.submit(&form.set("host", &pasted).set("port", "8006")).await;
    assert_eq!(page.count("input[name=trust]"), 1, "{}", page.text("#login"));
    let page = visitor.submit(&page.form("/login").tick("trust").set("password", ROOT.1)).await;
    assert_eq!(page.location, "/");
    let stored = berth_store::login_hosts::list(&rig.ctx.pg).await.unwrap();
    assert_eq!(stored[0].address.to_string(), rig.app.simulator.api.to_string());
}
