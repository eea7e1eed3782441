//! How much one person may keep.

use berth_domain::PackageBucketId;
use berth_domain::package::{Package, PackageManager};
use berth_operations::container_templates::authoring::{self, Form};
use berth_operations::creation::{BucketChoice, CreationForm, Original};
use berth_operations::package_buckets::{self, BucketForm};
use berth_operations::{Context, Error, FieldErrors, Settings, drafts};
use berth_store::PgPool;

use crate::support::{context, new_creation, node, person};

fn named(name: &str) -> CreationForm {
    CreationForm { hostname: name.into(), ..CreationForm::default() }
}

fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> FieldErrors {
    match result {
        Err(Error::Invalid(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_discarded_draft_is_no_way_around_the_limit(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let alice = person(&ctx, "alice@pve").await;
    let mut aside = drafts::start(&ctx, alice, named("aside")).await.unwrap();
    drafts::discard(&ctx, alice, aside.id).await.unwrap();
    aside.discarded = true;
    for number in 0..drafts::MOST {
        drafts::start(&ctx, alice, named(&format!("web-{number}"))).await.unwrap();
    }
    let live = async || drafts::list(&ctx, alice).await.unwrap();
    for refused in
        [drafts::restore(&ctx, alice, aside.id).await, drafts::save(&ctx, alice, &mut aside.clone()).await]
    {
        assert!(matches!(&refused, Err(Error::Conflict(text)) if text.contains("discard")), "{refused:?}");
    }
    assert_eq!(live().await.len(), drafts::MOST as usize);
    // Discarded since it was read, it is not back unseen either.
    let mut read = live().await.remove(0);
    drafts::discard(&ctx, alice, read.id).await.unwrap();
    assert!(matches!(drafts::save(&ctx, alice, &mut read).await, Err(Error::Behind)));

    let mut other = drafts::find(&ctx, alice, aside.id).await.unwrap();
    drafts::save(&ctx, alice, &mut other).await.unwrap();
    drafts::restore(&ctx, alice, aside.id).await.unwrap();
    assert_eq!(live().await.len(), drafts::MOST as usize);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_filled_in_does_not_give_way_to_what_was_only_opened(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let alice = person(&ctx, "alice@pve").await;
    let attic = node(&ctx, alice, "attic").await;
    let mut conn = ctx.pg.acquire().await.unwrap();
    let now = ctx.clock.now();
    let creation =
        berth_store::creations::insert(&mut conn, alice, &new_creation(attic), now).await.unwrap().unwrap();
    let like = drafts::start_like(&ctx, alice, Original::Creation(creation)).await.unwrap();
    assert_eq!(like.form.hostname, "");
    for _ in 0..60 {
        drafts::start(&ctx, alice, CreationForm::default()).await.unwrap();
    }
    assert_eq!(drafts::list(&ctx, alice).await.unwrap(), [like]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_draft_that_is_too_large_says_which_field_is(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let alice = person(&ctx, "alice@pve").await;
    let bucket = |packages: u32| BucketChoice {
        id: PackageBucketId::new(),
        name: "Web".into(),
        revision: 1,
        packages: (0..packages)
            .map(|number| Package::parse(PackageManager::Apt, &format!("package{number}")).unwrap())
            .collect(),
    };
    let buckets = |count: usize, packages: u32| CreationForm {
        buckets: std::iter::repeat_with(|| bucket(packages)).take(count).collect(),
        ..CreationForm::default()
    };
    let mut draft = drafts::start(&ctx, alice, buckets(20, 1)).await.unwrap();
    for (form, field) in [
        (CreationForm { extra_packages: "x".repeat(256 << 10), ..CreationForm::default() }, "extra_packages"),
        (buckets(21, 0), "buckets"),
        (buckets(20, 500), "buckets"),
    ] {
        let errors = invalid(drafts::start(&ctx, alice, form.clone()).await);
        assert_eq!(errors.of(field).len(), 1, "{errors}");
        let before = draft.clone();
        draft.form = form;
        let errors = invalid(drafts::save(&ctx, alice, &mut draft).await);
        assert_eq!(errors.of(field).len(), 1, "{errors}");
        draft = drafts::find(&ctx, alice, draft.id).await.unwrap();
        assert_eq!(draft, before);
    }
}

async fn bucket(ctx: &Context, user: berth_domain::UserId, name: String) -> Result<PackageBucketId, Error> {
    let form = BucketForm { name, manager: "apt".into(), ..BucketForm::default() };
    Ok(package_buckets::create(ctx, user, &form).await?.id)
}

#[sqlx::test(migrations = "../../migrations")]
async fn buckets_and_container_templates_are_counted(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let (alice, bob) = (person(&ctx, "alice@pve").await, person(&ctx, "bob@pve").await);
    let template = |title: String| Form { title, ..Form::default() };
    let (mut first_bucket, mut first_template) = (None, None);
    for number in 0..200 {
        first_bucket.get_or_insert(bucket(&ctx, alice, format!("b{number}")).await.unwrap());
        let made = authoring::create(&ctx, alice, &template(format!("t{number}"))).await.unwrap();
        first_template.get_or_insert(made);
    }
    let (first_bucket, first_template) = (first_bucket.unwrap(), first_template.unwrap());
    let errors = invalid(bucket(&ctx, alice, "one more".into()).await);
    assert!(errors.of("name")[0].contains("200 buckets"), "{errors}");
    let copied = package_buckets::duplicate(&ctx, alice, first_bucket).await;
    assert!(matches!(&copied, Err(Error::Conflict(text)) if text.contains("200 buckets")), "{copied:?}");
    let errors = invalid(authoring::create(&ctx, alice, &template("one more".into())).await);
    assert!(errors.of("")[0].contains("200 templates"), "{errors}");
    authoring::edit(&ctx, alice, first_template, 1, &template("changed".into())).await.unwrap();

    bucket(&ctx, bob, "his".into()).await.unwrap();
    authoring::create(&ctx, bob, &template("his".into())).await.unwrap();
    package_buckets::delete(&ctx, alice, first_bucket).await.unwrap();
    bucket(&ctx, alice, "one more".into()).await.unwrap();
}
