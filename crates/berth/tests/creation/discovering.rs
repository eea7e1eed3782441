//! "Discover" as somebody sees it.

use berth_testkit::{TemplateFolder, TestApp};

use crate::pages;

#[tokio::test]
async fn the_report_names_what_is_different_and_what_is_broken() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    pages::log_in(&app, &mut browser).await;
    let root = app.templates();
    TemplateFolder::new("good").write(&root);
    TemplateFolder::new("bad").script("install.sh", "").write(&root);
    let list = browser.get("/templates").await;
    let report = browser.submit(&list.form("/templates/discover")).await;
    assert_eq!(report.status, 200, "{}", report.html);
    for part in
        ["1 added, 1 could not be read.", "Not available", "bad/scripts/install.sh", "two digits, a dash"]
    {
        assert!(report.html.contains(part), "{part}: {}", report.html);
    }
    let link = report.link("/templates/").unwrap();
    assert_eq!(browser.get(&link).await.status, 200, "{link}");

    TemplateFolder::new("good").script("10-a.sh", "true").write(&root);
    std::fs::remove_dir_all(root.join("bad")).unwrap();
    let report = browser.submit(&report.form("/templates/discover")).await;
    for part in ["1 changed.", "new script 10-a.sh"] {
        assert!(report.html.contains(part), "{part}: {}", report.html);
    }

    std::fs::write(root.join("good/packages/web.apt"), "nginx\n; rm -rf /\n<script>\n").unwrap();
    let report = browser.submit(&report.form("/templates/discover")).await;
    for part in [
        "1 could not be read.",
        "Stays as it was read before",
        "good/packages/web.apt:2",
        "good/packages/web.apt:3",
    ] {
        assert!(report.html.contains(part), "{part}: {}", report.html);
    }
    assert!(!report.html.contains("<script>\""), "what is quoted is escaped");
    std::fs::remove_dir_all(root.join("good")).unwrap();
    let report = browser.submit(&report.form("/templates/discover")).await;
    assert!(report.html.contains("1 removed."), "{}", report.html);
}
