//! Adding nodes without a script in the browser.

use berth_testkit::{SimulatorProcess, TestApp};

use super::{assert_no_secret, filled, log_in, text, texts, trusting, with_secrets};

#[tokio::test]
async fn what_is_found_is_asked_confirmed_and_saved() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let host = &app.simulator.nodes[0];
    let form = filled(&mut browser, host).await;
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 422);
    assert_eq!(texts(&page.html, "#checks > li").len(), 8);
    assert!(page.html.contains(&host.certificate_sha256) && page.html.contains(&host.host_key_sha256));
    assert!(page.html.contains("Type them again before you go on"));
    assert_no_secret(&page.html);
    assert_eq!(app.simulator.tokens_received().await, Vec::<String>::new());

    // Wrong secrets, typed after the question was answered: what is trusted stays so.
    let wrong = trusting(&page, "/settings/nodes").set("ssh_password", "wrong");
    let page = browser.submit(&wrong).await;
    assert!(text(&page.html, "#f-ssh_password-error").contains("wrong user or password"), "{}", page.html);
    assert!(text(&page.html, "[data-check=login]").contains("ssh-keygen -q -t ed25519"));
    assert!(texts(&page.html, "[data-check=host-key]")[0].starts_with("Passed"));
    let page = browser.submit(&with_secrets(page.form("/settings/nodes"))).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/settings/nodes"));
    assert!(text(&page.html, "main h2").contains("attic"));

    // The name is taken now.
    let form = trusting(&browser.submit(&form).await, "/settings/nodes");
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 422);
    assert!(text(&page.html, "#f-name-error").contains("a node of this name already"));
    assert_no_secret(&browser.seen);
    assert_no_secret(&app.logs());
}

#[tokio::test]
async fn the_other_members_of_a_cluster_are_offered_and_added() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let place = tempfile::tempdir().unwrap();
    let cluster = SimulatorProcess::cluster(place.path()).await;
    let form = filled(&mut browser, &cluster.nodes[0]).await;
    let page = browser.submit(&form).await;
    let page = browser.submit(&trusting(&page, "/settings/nodes")).await;
    assert_eq!(page.path, "/settings/nodes", "{}", text(&page.html, "main"));
    assert!(text(&page.html, "body").contains("pve2, pve3 are in the same cluster"), "{}", page.html);

    let offer = page.form("/settings/nodes/").set("name", "pve2");
    assert!(offer.action.ends_with("/members"), "{}", offer.action);
    let watched = browser.submit(&offer.clone().press("live", "on")).await;
    assert_eq!((watched.status, texts(&watched.html, "form[data-begins]").len()), (200, 1));

    let asked = browser.submit(&offer).await;
    assert_eq!(asked.status, 422);
    assert!(texts(&asked.html, "[data-check=certificate]")[0].contains("attic, which you trust, knows it"));
    assert!(asked.html.contains(&cluster.nodes[1].host_key_sha256));
    let added = browser.submit(&asked.form("/settings/nodes").tick("trusted_host_key")).await;
    assert_eq!((added.status, added.path.as_str()), (200, "/settings/nodes"));
    assert!(texts(&added.html, "main h2").iter().any(|name| name.contains("pve2")), "{}", added.html);

    let twice = browser.submit(&offer).await;
    assert!(text(&twice.html, "body").contains("pve2 is added already, as pve2"), "{}", twice.html);
    assert_no_secret(&browser.seen);
}
