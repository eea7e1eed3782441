//! Two tabs on one draft, and drafts that are put aside.

use berth_operations::creation::CreationForm;
use berth_operations::drafts;
use berth_testkit::form::Form;

use crate::rig::{Rig, step, text};

#[tokio::test]
async fn a_tab_that_is_behind_is_told_and_keeps_what_was_typed() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let path = step(draft, "configure");
    let first = rig.browser.get(&path).await.form(&path).set("hostname", "first").set("memory", "1024");
    let second = rig.browser.get(&path).await.form(&path).set("hostname", "second").set("memory", "");
    rig.browser.submit(&first).await;

    let told = rig.browser.submit(&second).await;
    assert_eq!(told.status, 409);
    assert!(text(&told.html, "[role=alert]").contains("another tab"), "{}", text(&told.html, "main"));
    let form = told.form(&path);
    assert_eq!((form.value("hostname"), form.value("memory")), (Some("second"), Some("")));
    let stored = async |rig: &Rig| drafts::find(&rig.app.ctx, rig.owner.user, draft).await.unwrap().form;
    assert_eq!(stored(&rig).await.hostname, "first", "nothing is overwritten");

    // Sent again, it is meant.
    assert!(rig.browser.submit(&form.set("memory", "256")).await.path.ends_with("/packages"));
    assert_eq!((stored(&rig).await.hostname.as_str(), stored(&rig).await.memory.as_str()), ("second", "256"));
}

#[tokio::test]
async fn every_step_knows_that_it_is_behind() {
    let mut rig = Rig::new().await;
    let form = rig.form(300).await;
    for at in ["template", "packages", "scripts", "review"] {
        let draft = rig.draft(rig.owner, &form).await;
        let (path, configure) = (step(draft, at), step(draft, "configure"));
        let page = rig.browser.get(&path).await;
        // A search has the same address.
        let from = page.html.find(&format!(r#"<form method="post" action="{path}""#)).unwrap();
        let behind = Form::of(&page.html[from..], &path).unwrap();
        let behind = if at == "template" { behind.choose("container_template", "") } else { behind };
        let changed = rig.browser.get(&configure).await.form(&configure).set("hostname", "changed");
        rig.browser.submit(&changed).await;
        let told = rig.browser.submit(&behind).await;
        assert_eq!((told.status, told.path.as_str()), (409, path.as_str()));
        assert!(text(&told.html, "[role=alert]").contains("another tab"), "{at}");
        let stored = drafts::find(&rig.app.ctx, rig.owner.user, draft).await.unwrap();
        assert_eq!(
            (stored.form.hostname.as_str(), stored.form.container_template.as_str()),
            ("changed", form.container_template.as_str())
        );
        if at == "review" {
            assert!(
                rig.creations(rig.owner.user).await.is_empty(),
                "it shows something else than was reviewed"
            );
            let creation = rig.browser.submit(&told.form(&path)).await;
            assert_eq!(creation.path, format!("/creations/{draft}"));
        }
    }
}

#[tokio::test]
async fn what_was_discarded_can_be_brought_back() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let page = rig.browser.get("/containers/new").await;
    let unfinished = text(&page.html, "[aria-labelledby=unfinished] li");
    for told in ["web300", "300", "attic", "Ready to create"] {
        assert!(unfinished.contains(told), "{told} in {unfinished}");
    }
    assert_eq!(page.link(&step(draft, "")), Some(step(draft, "review")), "it is resumed where it stands");

    let list = rig.browser.submit(&page.form(&step(draft, "discard"))).await;
    assert_eq!(list.path, page.path, "back to the list");
    assert_eq!(text(&list.html, "[aria-labelledby=unfinished]"), "");
    assert!(text(&list.html, "#toasts").contains("Discarded web300"), "{}", text(&list.html, "#toasts"));
    let list = rig.browser.submit(&list.form(&step(draft, "restore"))).await;
    assert!(text(&list.html, "[aria-labelledby=unfinished]").contains("web300"));
    assert_eq!(list.path, page.path);

    // A page of it says where it went; what another tab sends is kept.
    let configure = step(draft, "configure");
    let form = rig.browser.get(&configure).await.form(&configure).set("hostname", "typed");
    rig.browser.submit(&list.form(&step(draft, "discard"))).await;
    let gone = rig.browser.get(&configure).await;
    assert_eq!(gone.status, 410);
    assert!(rig.browser.submit(&form).await.path.ends_with("/packages"));
    let form = drafts::find(&rig.app.ctx, rig.owner.user, draft).await.unwrap().form;
    assert_eq!(form.hostname, "typed");
    let back = rig.browser.submit(&gone.form(&step(draft, "restore"))).await;
    assert_eq!(back.path, step(draft, "review"));
}

#[tokio::test]
async fn more_drafts_than_are_kept_are_listed_instead() {
    let mut rig = Rig::new().await;
    let named = |number| CreationForm { hostname: format!("web-{number}"), ..CreationForm::default() };
    for number in 0..drafts::MOST {
        drafts::start(&rig.app.ctx, rig.owner.user, named(number)).await.unwrap();
    }
    let page = rig.browser.get("/containers/new").await;
    assert_eq!((page.status, page.path.as_str()), (409, "/containers/new"));
    assert_eq!(crate::rig::texts(&page.html, "[aria-labelledby=unfinished] li").len(), drafts::MOST as usize);
    let page = rig.browser.submit(&page.form("/containers/new/")).await;
    assert!(page.status == 200 && page.path.ends_with("/template"), "{} {}", page.status, page.path);
}

#[tokio::test]
async fn every_step_can_be_gone_on_from_and_back_to_by_its_buttons() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    for (at, buttons) in [
        ("template", vec!["Cancel", "Continue"]),
        ("configure", vec!["Back", "Skip to review", "Continue"]),
        ("packages", vec!["Back", "Continue"]),
        ("scripts", vec!["Back", "Continue"]),
        ("review", vec!["Back", "Create container"]),
    ] {
        let page = rig.browser.get(&step(draft, at)).await;
        let foot: Vec<String> = crate::rig::texts(&page.html, ".form-foot .btn");
        assert_eq!(foot.iter().map(|text| text.trim()).collect::<Vec<_>>(), buttons, "{at}");
    }
}
