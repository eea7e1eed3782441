//! Container templates written in the page: what is sent is what is stored, nothing typed is lost, and nobody else sees any of it.

use std::fmt::Write as _;

use axum::body::{self, Body};
use axum::http::{HeaderMap, Request, StatusCode};
use berth_domain::user::User;
use berth_operations::container_templates::{self, find};
use berth_operations::creation::{self, CreationForm};
use berth_operations::{Error, drafts};
use scraper::{Html, Selector};
use tower::ServiceExt as _;

use crate::world::World;

const BOUNDARY: &str = "berth-test-boundary";
const BINARY: &[u8] = b"\0\xff\r\n--berth\x80";

/// A form as a browser sends it.
#[derive(Clone, Default)]
pub(crate) struct Sent(Vec<u8>);

impl Sent {
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        let mut part = String::new();
        write!(part, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            .unwrap();
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    pub(crate) fn file(mut self, name: &str, file_name: &str, content: &[u8]) -> Self {
        let mut part = String::new();
        write!(
            part,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n"
        )
        .unwrap();
        write!(part, "Content-Type: application/octet-stream\r\n\r\n").unwrap();
        self.0.extend_from_slice(part.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    fn script(self, key: &str, name: &str, content: &str) -> Self {
        self.text("script_name", name).text("order", key).text("script_content", content)
    }

    pub(crate) fn new(title: &str) -> Self {
        Self::default().text("version", "1").text("title", title)
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let page = Html::parse_document(&String::from_utf8_lossy(&self.body));
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector).map(|element| element.text().collect::<String>().trim().to_owned()).collect()
    }

    pub(crate) fn values(&self, selector: &str) -> Vec<String> {
        let page = Html::parse_document(&String::from_utf8_lossy(&self.body));
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector).map(|element| element.attr("value").unwrap_or_default().to_owned()).collect()
    }

    /// Where it leads.
    fn place(&self) -> String {
        self.headers.get("location").map_or(String::new(), |to| to.to_str().unwrap().to_owned())
    }
}

impl World {
    pub(crate) async fn form(&self, user: &User, path: &str, sent: Sent) -> Answer {
        let mut content = sent.0;
        content.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let request = Request::post(path)
            .header("host", "berth")
            .header("cookie", self.cookie(user).await)
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Body::from(content));
        self.answered(request.unwrap()).await
    }

    async fn show(&self, user: &User, path: &str) -> Answer {
        let request = Request::get(path).header("host", "berth").header("cookie", self.cookie(user).await);
        self.answered(request.body(Body::empty()).unwrap()).await
    }

    async fn answered(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let body = body::to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

#[tokio::test]
async fn what_is_sent_is_stored_byte_for_byte() {
    let world = World::new().await;
    let large = format!("#!/bin/sh\n# Große Sache.\n{}\n", "x".repeat((1 << 20) - 40));
    let packages = (0..500).map(|number| format!("package{number}")).collect::<Vec<_>>().join("\r\n");
    let sent = Sent::new("; rm -rf / $(x) \"'")
        .text("packages_apt", &packages)
        .script("script-0", "10-a.sh", &large.replace('\n', "\r\n"))
        .script("script-1", "20-b.sh", "echo b")
        .file("new_files", "logo.png", BINARY)
        .text("go", "upload");
    // A file comes back as a reference; a browser sends that from then on.
    let answer = world.form(&world.owner, "/templates", sent).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.texts(".field-error"));
    assert_eq!(answer.values("[name=file_path]"), ["/opt/logo.png"]);
    let kept = answer.values("[name=file_kept]").remove(0);
    let sent = Sent::new("; rm -rf / $(x) \"'")
        .text("packages_apt", &packages)
        .script("script-1", "20-b.sh", "echo b")
        .script("script-0", "10-a.sh", &large.replace('\n', "\r\n"))
        .text("file_path", "/srv/logo")
        .text("file_mode", "0600")
        .text("file_owner", "www-data:www-data")
        .text("file_policy", "backup")
        .text("file_kept", &kept)
        .text("go", "save");
    let answer = world.form(&world.owner, "/templates", sent.clone()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{:?}", answer.texts(".field-error"));
    let path = answer.place();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let recipe = find(&world.ctx, world.owner.id, id).await.unwrap().recipe;
    assert_eq!(recipe.scripts[1].content, large);
    assert_eq!((recipe.scripts[0].name.as_str(), recipe.packages.len()), ("20-b.sh", 500));
    assert_eq!((recipe.files[0].content.as_slice(), recipe.files[0].mode), (BINARY, 0o600));
    // Sent twice, it is stored once.
    let again = world.form(&world.owner, "/templates", sent).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.texts("#f-title-error")[0].contains("of this title already"),
        "{:?}",
        again.texts(".field-error")
    );

    let download = format!("/templates/contents/{}", kept.split(':').next().unwrap());
    let found = world.show(&world.owner, &download).await;
    assert_eq!(
        (found.body.as_slice(), &found.headers["content-disposition"]),
        (BINARY, &"attachment".parse().unwrap())
    );
    for path in [&download, &path, &format!("{path}/edit"), &format!("{path}/duplicate")] {
        assert_eq!(world.show(&world.owner, path).await.status, StatusCode::OK, "{path}");
        assert_eq!(world.show(&world.stranger, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let edited =
        world.form(&world.stranger, &format!("{path}/edit"), Sent::new("Taken").text("go", "save")).await;
    assert_eq!(edited.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_bad_input_is_told_beside_its_field_and_nothing_is_lost() {
    let world = World::new().await;
    let too_large = "y".repeat((1 << 20) + 1);
    let sent = Sent::new("")
        .text("memory", "8")
        .text("packages_apt", "nginx\n--yes")
        .script("script-0", "$(x)", "echo <b>kept</b>")
        .script("script-1", "10-a.sh", &too_large)
        .text("file_path", "/etc/../shadow")
        .text("file_mode", "999")
        .text("file_owner", "-R")
        .text("file_text", "\nfirst line is empty\n")
        .file("new_files", "logo.png", BINARY)
        .text("go", "save");
    let before = container_templates::list(&world.ctx, world.owner.id).await.unwrap();
    let answer = world.form(&world.owner, "/templates", sent).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for id in [
        "title",
        "memory",
        "packages_apt",
        "script-0-name",
        "script-1-content",
        "file-0-path",
        "file-0-mode",
        "file-0-owner",
    ] {
        assert_eq!(
            answer.texts(&format!("#f-{id}-error")).len(),
            1,
            "{id}: {:?}",
            answer.texts(".field-error")
        );
    }
    assert_eq!(answer.values("[name=script_name]"), ["$(x)", "10-a.sh"]);
    let texts = answer.texts("[name=script_content]");
    assert_eq!((texts[0].as_str(), texts[1].len()), ("echo <b>kept</b>", too_large.len()));
    assert_eq!(answer.values("[name=file_path]"), ["/etc/../shadow", "/opt/logo.png"]);
    assert_eq!(answer.values("[name=file_kept]").len(), 1, "the upload need not be made again");
    let text = Html::parse_document(&String::from_utf8_lossy(&answer.body));
    let area = Selector::parse("[name=file_text]").unwrap();
    let text: String = text.select(&area).next().unwrap().text().collect();
    assert_eq!(text, "\nfirst line is empty\n", "an HTML parser drops the first line end, but not ours");
    let after = container_templates::list(&world.ctx, world.owner.id).await.unwrap();
    assert_eq!(after, before, "nothing is half done");

    let large = vec![0; (5 << 20) + 1];
    let answer =
        world.form(&world.owner, "/templates", Sent::new("Large").file("new_files", "a", &large)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.texts("#f-file-0-error")[0].contains("5 MiB"), "{:?}", answer.texts(".field-error"));
    let huge = vec![0; 65 << 20];
    let answer =
        world.form(&world.owner, "/templates", Sent::new("Huge").file("new_files", "a", &huge)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = world
        .send_with("POST", "/templates", &[("cookie", &world.cookie(&world.owner).await)], "title=x")
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn buttons_change_the_form_and_store_nothing() {
    let world = World::new().await;
    let sent = || {
        Sent::new("Web")
            .script("script-0", "10-a.sh", "a")
            .script("script-1", "20-b.sh", "b")
            .text("file_path", "/a")
            .text("file_text", "x")
    };
    for (button, value, scripts, files) in [
        ("go", "script-add", vec!["10-a.sh", "20-b.sh", ""], 1),
        ("go", "remove:script-0", vec!["20-b.sh"], 1),
        ("move", "up:script-1", vec!["20-b.sh", "10-a.sh"], 1),
        ("move", "down:script-1", vec!["10-a.sh", "20-b.sh"], 1),
        ("go", "remove:script-9", vec!["10-a.sh", "20-b.sh"], 1),
        ("go", "file-add", vec!["10-a.sh", "20-b.sh"], 2),
        ("go", "file-remove:0", vec!["10-a.sh", "20-b.sh"], 0),
    ] {
        let answer = world.form(&world.owner, "/templates", sent().text(button, value)).await;
        assert_eq!(answer.status, StatusCode::OK, "{value}");
        assert_eq!(answer.values("[name=script_name]"), scripts, "{value}");
        assert_eq!(answer.values("[name=file_path]").len(), files, "{value}");
    }
    assert_eq!(container_templates::list(&world.ctx, world.owner.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_tab_is_told_and_may_go_on() {
    let world = World::new().await;
    let (edit, own) = (world.owners_path("/templates/{id}/edit"), world.container_template);
    let sent = |title: &str, version: &str| {
        let form = Sent::default().text("title", title).text("version", version);
        form.script("script-0", "10-a.sh", "true").text("go", "save")
    };
    assert_eq!(world.form(&world.owner, &edit, sent("First", "1")).await.status, StatusCode::SEE_OTHER);
    let second = world.form(&world.owner, &edit, sent("Second", "1")).await;
    assert_eq!(
        (second.status, second.values("[name=title]")),
        (StatusCode::CONFLICT, vec!["Second".to_owned()])
    );
    assert!(second.texts("[role=alert]")[0].contains("changed meanwhile"));
    let title = async || find(&world.ctx, world.owner.id, own).await.unwrap().recipe.title;
    assert_eq!(title().await, "First");
    let version = second.values("[name=version]").remove(0);
    assert_eq!(world.form(&world.owner, &edit, sent("Second", &version)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(title().await, "Second");
}

#[tokio::test]
async fn a_list_is_searched_and_deleting_leaves_drafts_alone() {
    let world = World::new().await;
    container_templates::discover(&world.ctx).await.unwrap();
    let titles = async |path: &str| world.show(&world.owner, path).await.texts(".card-grid h2");
    assert!(titles("/templates").await.len() > 2);
    assert_eq!(titles("/templates?q=MIN").await, ["Mine"]);
    assert!(titles("/templates?q=nothing+like+it").await.is_empty());
    assert!(
        !world.show(&world.stranger, "/templates").await.texts(".card-grid h2").contains(&"Mine".to_owned())
    );

    // Everybody's are read-only.
    let nginx = container_templates::outline_of(&world.ctx, world.owner.id, "nginx").await.unwrap().id;
    for path in ["edit", "delete"] {
        let answer = world.show(&world.owner, &format!("/templates/{nginx}/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let copy = world.show(&world.owner, &format!("/templates/{nginx}/duplicate")).await;
    assert!(copy.values("[name=title]")[0].starts_with("Copy of "));

    let own =
        container_templates::outline(&world.ctx, world.owner.id, world.container_template).await.unwrap();
    let form = CreationForm { hostname: "web".into(), ..CreationForm::from_container_template(&own) };
    let draft = drafts::start(&world.ctx, world.owner.id, form.clone()).await.unwrap();
    // A stranger's draft that names it never gets at it.
    let theirs = drafts::start(&world.ctx, world.stranger.id, form).await.unwrap();
    let refused = creation::submit(&world.ctx, world.stranger.id, theirs.id).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(errors) if !errors.of("container_template").is_empty()),
        "{refused}"
    );
    let scripts = world.show(&world.stranger, &format!("/containers/new/{}/scripts", theirs.id)).await;
    assert!(!String::from_utf8_lossy(&scripts.body).contains("PLANTED"));

    let deleted =
        world.form(&world.owner, &world.owners_path("/templates/{id}/delete"), Sent::default()).await;
    assert_eq!(deleted.place(), "/templates");
    let review = world.show(&world.owner, &format!("/containers/new/{}/review", draft.id)).await;
    assert!(String::from_utf8_lossy(&review.body).contains("Mine (not there any more)"));
}

#[tokio::test]
async fn one_that_a_creation_uses_is_not_deleted() {
    let world = World::new().await;
    sqlx::query("update creations set container_template_id = $1 where id = $2")
        .bind(world.container_template.uuid())
        .bind(world.creation.uuid())
        .execute(&world.ctx.pg)
        .await
        .unwrap();
    let delete = world.owners_path("/templates/{id}/delete");
    let refused = world.form(&world.owner, &delete, Sent::default()).await;
    assert_eq!(
        (refused.status, refused.texts("[role=alert] a")),
        (StatusCode::CONFLICT, vec!["web".to_owned()])
    );
    sqlx::query("update creations set state = 'ready', lease_owner = null, lease_until = null")
        .execute(&world.ctx.pg)
        .await
        .unwrap();
    assert_eq!(world.form(&world.owner, &delete, Sent::default()).await.place(), "/templates");
}
