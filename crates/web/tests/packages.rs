//! Package buckets over HTTP: nothing typed is lost, nothing is overwritten unseen, nothing is somebody else's. Run under
//! `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use berth_domain::package_bucket::PackageBucket;
use berth_operations::package_buckets::{self, BucketForm};
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, Owner, Page, Process, TestApp};
use scraper::{Html, Selector};

#[tokio::test]
async fn a_pasted_list_becomes_a_bucket() {
    let rig = Rig::start().await;
    let mut browser = rig.browser().await;
    let page = browser.get("/packages/new").await;
    let typed = page.form("/packages").set(
        "paste",
        "apt install -y nginx curl\r\nnginx=1.22.1-9\r\n- npm:typescript\r\nPlease read\r\n$(reboot)",
    );
    // Read, with what was not and without a name: nothing is saved.
    let page = browser.submit(&typed.press("go", "add")).await;
    assert_eq!(page.status, 422);
    assert_eq!(page.form("/packages").value("paste"), Some("Please read\n$(reboot)"));
    assert_eq!(
        attributes(&page, "input[name=package]", "value"),
        ["apt:nginx", "apt:curl", "npm:typescript"]
    );
    assert_eq!(attributes(&page, "input[name=version]", "value"), ["1.22.1-9", "", ""]);
    let unread = texts(&page, ".notice-warning li");
    assert!(unread[0].contains("Line 4") && unread[1].contains("Line 5"), "{unread:?}");
    assert!(rig.buckets().await.is_empty());

    let page = browser.submit(&page.form("/packages").set("paste", "").press("go", "save")).await;
    assert_eq!((page.status, texts(&page, ".field-error span").len()), (422, 1), "the name");
    let page = browser.submit(&page.form("/packages").set("name", "<b>Web</b>").press("go", "save")).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/packages"));
    assert!(texts(&page, ".toasts")[0].contains("Made <b>Web</b>"));
    let buckets = rig.buckets().await;
    assert_eq!((buckets.len(), buckets[0].packages.len()), (1, 3));

    // Once more under that name.
    let again =
        browser.get("/packages/new").await.form("/packages").set("name", "<B>web</b>").set("paste", "git");
    let page = browser.submit(&again.press("go", "save")).await;
    assert_eq!(page.status, 422);
    assert!(texts(&page, "#f-name-error")[0].contains("you have a bucket"), "{}", page.html);
    assert_eq!(attributes(&page, "input[name=package]", "value"), ["apt:git"], "what was read is kept");
}

#[tokio::test]
async fn two_tabs_do_not_overwrite_each_other_unseen() {
    let rig = Rig::start().await;
    let bucket = rig.bucket("Web", "nginx\ncurl").await;
    let path = format!("/packages/{}", bucket.id);
    let mut browser = rig.browser().await;
    let first = browser.get(&path).await.form(&path);
    let second = first.clone();
    let page = browser.submit(&first.set("paste", "git").press("go", "save")).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/packages"));

    let page = browser.submit(&second.set("name", "Web 2").set("paste", "htop").press("go", "save")).await;
    assert_eq!(page.status, 422);
    let told = texts(&page, "[role=alert]").join(" ");
    assert!(told.contains("changed elsewhere") && told.contains("git") && told.contains("htop"), "{told}");
    assert_eq!(lines(&rig.buckets().await[0]), ["nginx", "curl", "git"], "nothing was overwritten");
    let form = page.form(&path);
    assert_eq!(form.value("name"), Some("Web 2"));
    // Having seen it, one may.
    let page = browser.submit(&form.press("go", "save")).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/packages"));
    assert_eq!(lines(&rig.buckets().await[0]), ["nginx", "curl", "htop"]);
}

#[tokio::test]
async fn versions_are_changed_and_packages_taken_out() {
    let rig = Rig::start().await;
    let bucket = rig.bucket("Web", "nginx=1\ncurl").await;
    let path = format!("/packages/{}", bucket.id);
    let mut browser = rig.browser().await;
    let form = browser.get(&path).await.form(&path).set("version", "; reboot").press("remove", "apt:nginx");
    let page = browser.submit(&form.press("go", "save")).await;
    assert_eq!(page.status, 200, "what is taken out may have any version");
    assert_eq!(lines(&rig.buckets().await[0]), ["curl"]);
    let form = browser.get(&path).await.form(&path).set("version", "$(x)").press("go", "save");
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 422);
    assert_eq!(attributes(&page, "input[name=version][aria-invalid=true]", "value"), ["$(x)"]);
    let form = page.form(&path).set("version", "8.5.0-1").press("go", "save");
    browser.submit(&form).await;
    assert_eq!(lines(&rig.buckets().await[0]), ["curl=8.5.0-1"]);
}

#[tokio::test]
async fn buckets_are_searched_duplicated_merged_and_deleted() {
    let rig = Rig::start().await;
    let (web, tools) =
        (rig.bucket("Web", "nginx=1\ncurl").await, rig.bucket("Tools", "nginx=2\ncurl=8\ngit").await);
    let mut browser = rig.browser().await;
    let names = |page: &Page| texts(page, "#buckets h2");
    assert_eq!(names(&browser.get("/packages").await), ["Tools", "Web"]);
    assert_eq!(names(&browser.get("/packages?q=GIT").await), ["Tools"]);
    assert!(browser.get("/packages?q=%3Cnone").await.html.contains("No bucket and no package"));

    let path = format!("/packages/{}", web.id);
    let page = browser.get(&path).await;
    let page = browser.submit(&page.form(&format!("{path}/duplicate"))).await;
    assert!(texts(&page, "h1")[0].contains("Web copy"), "{}", page.html);

    let merge = format!("{path}/merge");
    let page = browser.get(&merge).await;
    let own = page.form(&merge).set("from", web.id.to_string());
    assert_eq!(browser.submit(&own).await.status, 422, "not with itself");
    let page = browser.submit(&page.form(&merge).set("from", tools.id.to_string()).tick("delete")).await;
    assert!(texts(&page, ".toasts")[0].contains("one package is new"), "{}", page.html);
    let merged = package_buckets::find(&rig.app.ctx, rig.user(), web.id).await.unwrap();
    assert_eq!(lines(&merged), ["nginx=1", "curl=8", "git"], "the versions of the one that stays count");
    assert_eq!(rig.buckets().await.len(), 2, "the other was to be deleted");
    // From a tab that still shows it.
    let page = browser.get(&merge).await;
    assert_eq!(browser.submit(&page.form(&merge).set("from", tools.id.to_string())).await.status, 422);

    let delete = format!("{path}/delete");
    let page = browser.get(&delete).await;
    let page = browser.submit(&page.form(&delete)).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/packages"));
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn too_much_is_refused_and_kept() {
    let rig = Rig::start().await;
    let mut browser = rig.browser().await;
    let form = browser.get("/packages/new").await.form("/packages").set("name", "Many");
    let many =
        |count: usize| (0..count).map(|number| format!("package-{number}")).collect::<Vec<_>>().join("\n");
    let page = browser.submit(&form.clone().set("paste", many(501)).press("go", "save")).await;
    assert_eq!(page.status, 422);
    assert_eq!(attributes(&page, "input[name=package]", "value").len(), 501, "nothing typed is lost");
    let page = browser.submit(&form.clone().set("paste", "nginx ".repeat(11_000)).press("go", "save")).await;
    assert_eq!(page.status, 422);
    assert!(texts(&page, "#f-paste-error")[0].contains("64 KiB"), "{:?}", texts(&page, "#f-paste-error"));
    let page =
        browser.submit(&form.set("name", "x".repeat(101)).set("paste", many(500)).press("go", "save")).await;
    assert_eq!(page.status, 422);
    let page = browser.submit(&page.form("/packages").set("name", "Many").press("go", "save")).await;
    assert_eq!((page.status, rig.buckets().await[0].packages.len()), (200, 500));
}

#[tokio::test]
async fn a_wizard_keeps_its_copy_of_a_bucket() {
    let rig = Rig::start().await;
    let bucket = rig.bucket("Web", "nginx\njq=1.6").await;
    let mut browser = rig.browser().await;
    let page = browser.get("/containers/new").await;
    let path = page.path.replace("/template", "/packages");
    let page = browser.get(&path).await;
    let typed = page.form(&path).tick("buckets").set("extra_packages", "htop\n; rm -rf /\njq\n-y\n$(reboot)");
    let page = browser.submit(&typed).await;
    assert_eq!(page.status, 422);
    assert!(texts(&page, "#f-extra_packages-error")[0].contains("3 lines"), "{}", page.html);
    let form = page.form(&path);
    assert_eq!(form.value("buckets"), Some(bucket.id.to_string().as_str()));
    assert_eq!(form.value("extra_packages"), typed.value("extra_packages"));
    assert_eq!(
        texts(&page, "#sum .tag"),
        ["nginx", "jq=1.6", "htop"],
        "merged, with the version of the bucket"
    );

    // Changed elsewhere, then deleted.
    let changed = BucketForm { paste: "git".into(), ..BucketForm::of(&bucket) };
    package_buckets::save(&rig.app.ctx, rig.user(), bucket.id, &changed).await.unwrap();
    let page = browser.submit(&form.clone().set("extra_packages", "htop").press("go", "sum")).await;
    assert!(page.html.contains("It has changed") && !texts(&page, "#sum .tag").contains(&"git".to_owned()));
    let page = browser.submit(&page.form(&path).press("renew", &bucket.id.to_string())).await;
    assert!(texts(&page, "#sum .tag").contains(&"git".to_owned()), "{:?}", texts(&page, "#sum .tag"));
    assert_eq!(package_buckets::used_by(&rig.app.ctx, rig.user(), bucket.id).await.unwrap().len(), 1);
    package_buckets::delete(&rig.app.ctx, rig.user(), bucket.id).await.unwrap();
    let page = browser.submit(&page.form(&path).press("go", "sum")).await;
    assert!(page.html.contains("This bucket was deleted"));
    assert_eq!(texts(&page, "#sum .tag"), ["nginx", "jq=1.6", "git", "htop"], "nothing is lost");
    let page = browser.submit(&page.form(&path).untick("buckets").press("go", "sum")).await;
    assert_eq!(
        (texts(&page, "#sum .tag"), page.form(&path).value("buckets")),
        (vec!["htop".to_owned()], None)
    );
}

#[tokio::test]
async fn somebody_elses_bucket_is_not_found() {
    let rig = Rig::start().await;
    let mine = rig.bucket("Mine", "nginx").await;
    let host = rig.app.simulator.api.to_string().parse().unwrap();
    let now = rig.app.ctx.clock.now();
    let stranger = berth_store::users::upsert_login(&rig.app.ctx.pg, &host, "eve@pve", now).await.unwrap();
    let form = BucketForm { name: "Theirs".into(), manager: "apt".into(), ..BucketForm::default() };
    let theirs = package_buckets::create(&rig.app.ctx, stranger.id, &form).await.unwrap();
    let mut browser = rig.browser().await;
    for rest in ["", "/merge", "/delete"] {
        assert_eq!(browser.get(&format!("/packages/{}{rest}", theirs.id)).await.status, 404, "{rest}");
    }
    let merge = format!("/packages/{}/merge", mine.id);
    // Nor does it come in by the back door.
    rig.bucket("Other", "git").await;
    let page = browser.get(&merge).await;
    assert!(!page.html.contains("Theirs"));
    let page = browser.submit(&page.form(&merge).set("from", theirs.id.to_string()).tick("delete")).await;
    assert_eq!(page.status, 422);
    assert!(package_buckets::find(&rig.app.ctx, stranger.id, theirs.id).await.is_ok());
}

struct Rig {
    // Ended before the services that it needs.
    web: std::sync::Mutex<Option<Process>>,
    app: TestApp,
    owner: Owner,
}

impl Rig {
    async fn start() -> Self {
        let app = TestApp::start_as_shipped().await;
        let owner = app.owner().await;
        Self { app, owner, web: std::sync::Mutex::new(None) }
    }

    fn user(&self) -> berth_domain::UserId {
        self.owner.user
    }

    async fn browser(&self) -> Browser {
        let (web, mut browser) = self.app.web().await;
        *self.web.lock().unwrap() = Some(web);
        let page = browser.get("/").await;
        let form = page.form("/login").set("host", self.app.simulator.api.ip().to_string());
        let form = form.set("port", self.app.simulator.api.port().to_string());
        let form = form.set("user", "root").set("realm", "pam").set("password", ROOT_PASSWORD);
        let page = browser.submit(&form).await;
        browser.submit(&page.form("/login").tick("trust").set("password", ROOT_PASSWORD)).await;
        browser
    }

    async fn bucket(&self, name: &str, paste: &str) -> PackageBucket {
        let form = BucketForm {
            name: name.into(),
            paste: paste.into(),
            manager: "apt".into(),
            ..BucketForm::default()
        };
        package_buckets::create(&self.app.ctx, self.user(), &form).await.unwrap()
    }

    async fn buckets(&self) -> Vec<PackageBucket> {
        package_buckets::list(&self.app.ctx, self.user(), "").await.unwrap()
    }
}

fn lines(bucket: &PackageBucket) -> Vec<String> {
    bucket.packages.iter().map(berth_domain::package::Package::notation).collect()
}

fn texts(page: &Page, selector: &str) -> Vec<String> {
    let html = Html::parse_document(&page.html);
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).map(|element| element.text().collect::<String>().trim().to_owned()).collect()
}

fn attributes(page: &Page, selector: &str, name: &str) -> Vec<String> {
    let html = Html::parse_document(&page.html);
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).map(|element| element.attr(name).unwrap_or_default().to_owned()).collect()
}
