//! Drafts, and what becomes of them without a node that answers.

use berth_domain::{Clock, NodeId};
use berth_operations::creation::{CreationForm, submit};
use berth_operations::dashboard::Live;
use berth_operations::drafts::Draft;
use berth_operations::vmids::{self, Availability};
use berth_operations::{Error, Settings, drafts, nodes};
use berth_store::PgPool;
use berth_testkit::wait::{DEADLINE, wait_until};
use time::Duration;

use crate::support::{NOW, context, creations, node, person};

#[sqlx::test(migrations = "../../migrations")]
async fn a_draft_is_its_owners_and_nobody_elses(pg: PgPool) {
    let mut ctx = context(pg, Settings::default()).await;
    let (alice, bob) = (person(&ctx, "alice@pve").await, person(&ctx, "bob@pve").await);
    let attic = node(&ctx, alice, "attic").await;
    let mut draft = drafts::start(&ctx, alice, CreationForm::default()).await.unwrap();
    assert_eq!(draft.form.node_id(), Some(attic), "the default node is chosen");
    draft.form.hostname = "not right yet;".into();
    let mut behind = draft.clone();
    drafts::save(&ctx, alice, &mut draft).await.unwrap();
    assert_eq!(drafts::find(&ctx, alice, draft.id).await.unwrap(), draft);
    assert!(matches!(drafts::save(&ctx, alice, &mut behind).await, Err(Error::Behind)));
    assert!(matches!(drafts::find(&ctx, bob, draft.id).await, Err(Error::NotFound)));
    assert!(matches!(drafts::save(&ctx, bob, &mut draft.clone()).await, Err(Error::NotFound)));
    assert!(matches!(submit(&ctx, bob, draft.id).await, Err(Error::NotFound)));
    drafts::discard(&ctx, bob, draft.id).await.unwrap();
    assert!(matches!(drafts::restore(&ctx, bob, draft.id).await, Err(Error::NotFound)));
    assert_eq!(drafts::find(&ctx, alice, draft.id).await.unwrap(), draft);
    assert_eq!(drafts::expire(&ctx).await.unwrap(), 0);
    ctx.clock = Clock::from_fn(|| NOW + Duration::days(31));
    assert_eq!(drafts::expire(&ctx).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn drafts_do_not_pile_up_and_none_is_dropped_for_another(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let (alice, bob) = (person(&ctx, "alice@pve").await, person(&ctx, "bob@pve").await);
    let named = |name: String| CreationForm { hostname: name, ..CreationForm::default() };
    for number in 0..drafts::MOST {
        drafts::start(&ctx, alice, named(format!("web-{number}"))).await.unwrap();
    }
    let refused = drafts::start(&ctx, alice, CreationForm::default()).await;
    assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("discard")), "{refused:?}");
    drafts::start(&ctx, bob, CreationForm::default()).await.unwrap();
    let all = drafts::list(&ctx, alice).await.unwrap();
    assert_eq!(all.len(), drafts::MOST as usize);
    drafts::discard(&ctx, alice, all[7].id).await.unwrap();
    drafts::start(&ctx, alice, CreationForm::default()).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_wrong_keeps_the_draft_and_creates_nothing(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let alice = person(&ctx, "alice@pve").await;
    node(&ctx, alice, "attic").await;
    let draft = drafts::start(&ctx, alice, CreationForm::default()).await.unwrap();
    let Err(Error::Invalid(errors)) = submit(&ctx, alice, draft.id).await else { panic!("accepted") };
    assert!(!errors.of("hostname").is_empty() && !errors.of("vmid").is_empty());
    let form = CreationForm {
        hostname: "web".into(),
        vmid: "105".into(),
        os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
        storage: "local-ct".into(),
        bridge: "vmbr0".into(),
        ..draft.form.clone()
    };
    drafts::save(&ctx, alice, &mut Draft { form: form.clone(), ..draft.clone() }).await.unwrap();
    let Err(Error::Invalid(errors)) = submit(&ctx, alice, draft.id).await else { panic!("accepted") };
    assert!(errors.of("node")[0].contains("no SSH access"), "{errors}");
    assert_eq!(drafts::find(&ctx, alice, draft.id).await.unwrap().form, form);
    assert_eq!(creations(&ctx, alice).await, []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_that_does_not_answer_says_so_everywhere(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let (alice, bob) = (person(&ctx, "alice@pve").await, person(&ctx, "bob@pve").await);
    let attic = node(&ctx, alice, "attic").await;
    let answer = vmids::check(&ctx, alice, attic, "105").await.unwrap();
    assert!(matches!(&answer, Availability::Unknown(cause) if cause.contains("attic")), "{answer:?}");
    assert!(matches!(vmids::check(&ctx, alice, attic, "5").await.unwrap(), Availability::Invalid(_)));
    assert!(matches!(vmids::check(&ctx, bob, attic, "105").await, Err(Error::NotFound)));
    let options = berth_operations::node_options::options(&ctx, alice, attic).await.unwrap();
    assert!(options.trouble().is_some_and(|message| message.contains("cannot be reached")), "{options:?}");
    let live = Live::start(ctx.clone()).await.unwrap();
    let trouble = wait_until(DEADLINE, "the dashboard says so", async || {
        live.dashboard(alice).await.unwrap().nodes[0].trouble.clone()
    });
    assert!(trouble.await.contains("cannot be reached"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_foreign_node_is_not_there(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let (alice, bob) = (person(&ctx, "alice@pve").await, person(&ctx, "bob@pve").await);
    let attic = node(&ctx, alice, "attic").await;
    for id in [attic, NodeId::new()] {
        assert!(matches!(nodes::find(&ctx, bob, id).await, Err(Error::NotFound)));
        assert!(matches!(nodes::set_default(&ctx, bob, id).await, Err(Error::NotFound)));
        assert!(matches!(nodes::delete(&ctx, bob, id, true).await, Err(Error::NotFound)));
    }
    assert_eq!(nodes::delete(&ctx, alice, attic, false).await.unwrap(), nodes::Deleted::Done);
}
