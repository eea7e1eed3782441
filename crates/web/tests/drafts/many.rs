//! Many at once.

use berth_operations::creation::CreationForm;
use berth_testkit::TestApp;

use crate::rig::{Answer, Rig, at_once, step, text};

const VMID: u32 = 4711;

/// One leads to a creation; the others are told beside the field.
fn assert_one_wins(answers: &[Answer], log: &str) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 303);
    assert_eq!(won.len(), 1, "{log}");
    assert!(won[0].location.starts_with("/creations/"), "{}", won[0].location);
    for answer in lost {
        assert_eq!(answer.status, 422, "{}", text(&answer.html, "main"));
        let message = text(&answer.html, "#vmid-check .field-error");
        assert!(message.contains("4711") && message.contains("taken"), "{message}");
        assert_eq!(text(&answer.html, "label[for=f-vmid]"), "VMID");
    }
}

#[tokio::test]
async fn of_a_hundred_submits_for_one_vmid_one_creates() {
    let rig = Rig::new().await;
    let form = rig.form(VMID).await;
    let mut forms = Vec::new();
    for _ in 0..100 {
        let review = step(rig.draft(rig.owner, &form).await, "review");
        let fields = format!(r#"<form action="{review}"><input name=version value=1></form>"#);
        forms.push((&rig.browser, berth_testkit::form::Form::of(&fields, &review).unwrap()));
    }
    let answers = at_once(&forms).await;
    assert_one_wins(&answers, &rig.log());

    let created = rig.creations(rig.owner.user).await;
    assert_eq!(created.len(), 1);
    assert_eq!((rig.count("drafts").await, rig.count("creations").await), (99, 1));
    assert_eq!((rig.count("creation_steps").await, rig.count("creation_events").await), (1, 1));
    assert_eq!(rig.queued(), created);
    let asked = rig.app.simulator.requests("GET /cluster/nextid").await;
    assert!(asked <= 3, "the host was asked {asked} times");
}

#[tokio::test]
async fn of_two_people_on_two_nodes_of_a_cluster_one_creates() {
    let rig = Rig::of(TestApp::start_with(&["--nodes", "2", "--cluster"]).await).await;
    let (neighbour, theirs) = rig.neighbour().await;
    let os_template = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst".into();
    let form = CreationForm { os_template, ..rig.form(VMID).await };
    let mut forms = Vec::new();
    for round in 0..100 {
        let (owner, browser) = if round % 2 == 0 { (rig.owner, &rig.browser) } else { (neighbour, &theirs) };
        let review = step(rig.draft(owner, &form).await, "review");
        let fields = format!(r#"<form action="{review}"><input name=version value=1></form>"#);
        forms.push((browser, berth_testkit::form::Form::of(&fields, &review).unwrap()));
    }
    let answers = at_once(&forms).await;
    assert_one_wins(&answers, &rig.log());
    let created = [rig.creations(rig.owner.user).await, rig.creations(neighbour.user).await].concat();
    assert_eq!(created.len(), 1);
    assert_eq!((rig.count("drafts").await, rig.count("creation_events").await), (99, 1));
    assert_eq!(rig.queued(), created);
}

#[tokio::test]
async fn the_twenty_first_container_at_once_waits_in_the_wizard() {
    let mut rig = Rig::new().await;
    let form = rig.form(VMID).await;
    let submit = async |rig: &mut Rig, number: u32| {
        let form = CreationForm { vmid: (VMID + number).to_string(), ..form.clone() };
        let review = step(rig.draft(rig.owner, &form).await, "review");
        let page = rig.browser.get(&review).await;
        rig.browser.submit(&page.form(&review)).await
    };
    for number in 0..20 {
        let made = submit(&mut rig, number).await;
        assert!(made.path.starts_with("/creations/"), "{number}: {}", text(&made.html, "main"));
    }
    let refused = submit(&mut rig, 20).await;
    assert_eq!(refused.status, 422);
    let message = text(&refused.html, "[role=alert]");
    assert!(message.contains("20 creations under way") && message.contains("cancel one"), "{message}");
    assert_eq!((rig.count("drafts").await, rig.count("creations").await), (1, 20));

    let first = rig.creations(rig.owner.user).await[0].parse().unwrap();
    berth_operations::creation::cancel(&rig.app.ctx, rig.owner.user, first).await.unwrap();
    let made = rig.browser.submit(&refused.form(&refused.path)).await;
    assert!(made.path.starts_with("/creations/"), "{}", text(&made.html, "main"));
}

#[tokio::test]
async fn one_draft_submitted_many_times_at_once_is_one_creation() {
    let mut rig = Rig::new().await;
    let draft = rig.draft(rig.owner, &rig.form(VMID).await).await;
    let review = step(draft, "review");
    let form = rig.browser.get(&review).await.form(&review);
    let answers = at_once(&vec![(&rig.browser, form.clone()); 10]).await;
    let creation = format!("/creations/{draft}");
    for answer in &answers {
        assert_eq!(
            (answer.status, answer.location.as_str()),
            (303, creation.as_str()),
            "{}",
            text(&answer.html, "main")
        );
    }
    assert_eq!(rig.creations(rig.owner.user).await, [draft.to_string()]);
    assert_eq!((rig.count("drafts").await, rig.queued()), (0, vec![draft.to_string()]));

    // Later, from another tab, and by Back: the same creation, and no second one.
    assert_eq!(rig.browser.submit(&form).await.path, creation);
    for back in ["template", "configure", "packages", "scripts", "review"] {
        assert_eq!(rig.browser.get(&step(draft, back)).await.path, creation, "{back}");
    }
    assert_eq!(rig.count("creations").await, 1);
}
