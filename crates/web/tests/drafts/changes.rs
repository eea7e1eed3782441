//! What goes away between two steps.

use berth_operations::{container_templates, drafts, nodes};

use crate::rig::{Rig, errors, step, text};

#[tokio::test]
async fn a_node_that_was_deleted_is_said_and_the_draft_stays() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let (configure, review) = (step(draft, "configure"), step(draft, "review"));
    let typed = rig.browser.get(&configure).await.form(&configure).set("hostname", "typed");
    let create = rig.browser.get(&review).await.form(&review);
    nodes::delete(&rig.app.ctx, rig.owner.user, rig.owner.node, true).await.unwrap();

    let page = rig.browser.get(&configure).await;
    assert_eq!(page.status, 200);
    rig.browser.submit(&typed).await;
    let form = drafts::find(&rig.app.ctx, rig.owner.user, draft).await.unwrap().form;
    assert_eq!((form.hostname.as_str(), form.vmid.as_str()), ("typed", "300"));

    // With another node, its steps work again.
    let other = rig.app.owner().await;
    let refused = rig.browser.submit(&create.set("version", "2")).await;
    assert_eq!(refused.status, 422);
    assert!(
        errors(&refused).iter().any(|text| text.contains("not there any more")),
        "{:?}",
        errors(&refused)
    );
    let form = refused.form(&configure);
    assert_eq!(
        (form.value("hostname"), form.value("node")),
        (Some("typed"), Some(other.node.to_string().as_str()))
    );
    assert!(rig.browser.submit(&form).await.path.ends_with("/packages"));
    let page = rig.browser.get(&review).await;
    let creation = rig.browser.submit(&page.form(&review)).await;
    assert_eq!(creation.path, format!("/creations/{draft}"), "{}", text(&creation.html, "main"));
}

#[tokio::test]
async fn what_a_script_says_now_is_looked_at_before_it_runs() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let review = step(draft, "review");
    let create = rig.browser.get(&review).await.form(&review);

    let script = rig.app.templates().join("web/scripts/10-a.sh");
    std::fs::write(&script, "echo something else\n").unwrap();
    container_templates::discover(&rig.app.ctx).await.unwrap();
    let again = rig.browser.submit(&create).await;
    assert_eq!(again.status, 409);
    let said = text(&again.html, "[role=alert]");
    assert!(said.contains("changed since this page was opened"), "{said}");
    let made = berth_store::creations::list_recent(&rig.app.ctx.pg, rig.owner.user, 10).await.unwrap();
    assert_eq!(made, []);

    let creation = rig.browser.submit(&again.form(&review)).await;
    assert_eq!(creation.path, format!("/creations/{draft}"), "{}", text(&creation.html, "main"));
}

#[tokio::test]
async fn a_container_template_that_was_changed_or_deleted_is_said_and_nothing_is_lost() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let review = step(draft, "review");
    let create = rig.browser.get(&review).await.form(&review);

    // A script that is gone is said beside the scripts.
    let place = rig.app.templates().join("web");
    std::fs::remove_file(place.join("scripts/10-a.sh")).unwrap();
    container_templates::discover(&rig.app.ctx).await.unwrap();
    let refused = rig.browser.submit(&create).await;
    assert_eq!(refused.status, 409);
    assert!(text(&refused.html, "main").contains("10-a.sh"), "{}", text(&refused.html, "main"));

    std::fs::remove_dir_all(&place).unwrap();
    container_templates::discover(&rig.app.ctx).await.unwrap();
    for at in ["template", "configure", "packages", "scripts", "review"] {
        assert_eq!(rig.browser.get(&step(draft, at)).await.status, 200, "{at}");
    }
    let refused = rig.browser.submit(&create).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused.html, "main").contains("not there any more"), "{}", text(&refused.html, "main"));
    let stored = drafts::find(&rig.app.ctx, rig.owner.user, draft).await.unwrap().form;
    assert_eq!((stored.hostname.as_str(), stored.vmid.as_str()), ("web300", "300"));
    assert!(rig.creations(rig.owner.user).await.is_empty());
}
