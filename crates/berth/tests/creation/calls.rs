//! How often `pct` is called.

use berth_testkit::{TemplateFolder, TestApp};

const MOST: u64 = 10;

fn folder(files: usize, scripts: usize) -> TemplateFolder {
    let folder = TemplateFolder::new(&format!("calls-{files}-{scripts}"));
    let folder =
        (0..files).fold(folder, |folder, number| folder.file(&format!("/srv/{number}"), "content\n"));
    (0..scripts).fold(folder, |folder, number| folder.script(&format!("{number:02}-hello.sh"), "echo hello"))
}

#[tokio::test]
async fn a_creation_takes_as_many_with_forty_files_as_with_one() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let mut counts = Vec::new();
    for (vmid, files, scripts) in [(300, 1, 1), (301, 40, 10)] {
        let id = app.submit(owner, &folder(files, scripts), vmid).await;
        app.ready(owner, id).await;
        counts.push(app.simulator.pct_calls(vmid).await);
        for step in 0..u32::try_from(scripts).unwrap() {
            assert_eq!(app.printed(id, step).await, ["hello"]);
        }
        assert_eq!(app.simulator.shell(vmid, "cat /srv/* | wc -l").await.trim(), files.to_string());
    }
    assert!(counts[0] > 0 && counts[0] <= MOST && counts[1] == counts[0], "calls of pct: {counts:?}");
}
