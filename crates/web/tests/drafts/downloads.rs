//! Downloads of OS templates that the node does not begin, or does not say that it has.

use berth_domain::os_template::DownloadState;
use berth_operations::os_templates;
use berth_testkit::{DEADLINE, wait_until};
use serde_json::json;

use crate::rig::{Rig, step, text};

const FILE: &str = "debian-13-standard_13.6-1_amd64.tar.zst";

/// A token without any privilege that the simulated host has from its start, with the secret of the one that has all.
const OTHER_TOKEN: &str = "root@pam!sep3";

#[tokio::test]
async fn a_download_whose_answer_was_lost_is_looked_for_and_not_asked_for_again() {
    let rig = Rig::new().await;
    let (ctx, owner) = (&rig.app.ctx, rig.owner);
    let draft = rig.draft(owner, &rig.form(300).await).await;
    let lost = json!([
        { "kind": "drop", "acted": true, "path": "^/nodes/pve/aplinfo$", "count": 1 },
        { "kind": "slow-task", "seconds": 3, "task": "download", "count": 1 },
    ]);
    rig.app.simulator.faults(lost).await;
    for _ in 0..2 {
        os_templates::download(ctx, owner.user, draft, (owner.node, "local", FILE)).await.unwrap();
    }
    let progress = async || os_templates::progress(ctx, owner.user, draft).await.unwrap().unwrap().download;
    wait_until(DEADLINE, "the download ends", async || {
        (progress().await.state != DownloadState::Running).then_some(())
    })
    .await;
    let ended = progress().await;
    // It was followed to its own end: the recorded host has no way out.
    assert!(ended.upid.is_some_and(|upid| upid.contains(FILE)));
    assert!(ended.error.unwrap().contains("unable to resolve host address"));
    assert_eq!(rig.app.simulator.requests("POST /nodes/pve/aplinfo").await, 1);
}

#[tokio::test]
async fn a_token_that_may_not_download_is_told_which_privilege_it_lacks_and_where() {
    let mut rig = Rig::new().await;
    let grant = format!(
        "pveum role add Berth --privs '{}' && pveum acl modify / --tokens '{OTHER_TOKEN}' --roles Berth",
        berth_domain::node::NEEDED_PRIVILEGES.join(" ")
    );
    rig.app.simulator.root_shell(0, &grant).await;
    sqlx::query("update nodes set token_id = $1").bind(OTHER_TOKEN).execute(&rig.app.ctx.pg).await.unwrap();
    let draft = rig.draft(rig.owner, &rig.form(300).await).await;
    let list = rig.browser.get(&step(draft, "os-templates")).await;
    let form = list.form(&list.path).choose("file", FILE).set("storage", "local");
    let page = rig.browser.submit(&form).await;
    assert!(page.path.ends_with("/configure"), "{}", page.path);
    let told = text(&page.html, "#download [role=alert]");
    for part in [FILE, "attic", "Datastore.AllocateTemplate", "/storage/local", "Grant it"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert_eq!(page.form(&page.path).value("hostname"), Some("web300"), "nothing typed is lost");
}
