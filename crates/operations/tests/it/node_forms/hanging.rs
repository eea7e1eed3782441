//! A host that hangs costs 10 s at most, and whatever else is known by then is told before.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use berth_operations::nodes::{self, Check, CheckRow, CheckState, NodeForm};
use berth_testkit::TestApp;
use serde_json::json;

use super::{form, machines, row};
use crate::support::person;

const WHOLE: Duration = Duration::from_secs(10);

/// The rows in the order in which they came, after a test that ended in time.
async fn rows(app: &TestApp, form: &NodeForm) -> Vec<CheckRow> {
    let user = person(&app.ctx, "root@pam").await;
    let (seen, began) = (Mutex::new(Vec::new()), Instant::now());
    let on_row = |row: &CheckRow| seen.lock().unwrap().push(row.clone());
    let report = nodes::test(&app.ctx, user, None, form, &on_row).await.unwrap();
    assert!(began.elapsed() < WHOLE, "it took {:?}", began.elapsed());
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), Check::ALL.len());
    assert!(seen.iter().all(|seen| row(&report, seen.check) == seen));
    seen
}

fn of(rows: &[CheckRow], check: Check) -> (usize, &CheckRow) {
    rows.iter().enumerate().find(|(_, row)| row.check == check).unwrap()
}

#[tokio::test]
async fn an_ssh_server_that_says_nothing_holds_up_no_row_of_the_api() {
    let app = TestApp::start().await;
    let (_listener, port) = machines::silent();
    let rows = rows(&app, &NodeForm { ssh_port: port.to_string(), ..form(&app.simulator.nodes[0]) }).await;
    let (at, host_key) = of(&rows, Check::HostKey);
    assert!(host_key.message.contains("no answer within 5 s"), "{host_key:?}");
    assert!(host_key.remedy.as_ref().unwrap().contains(&format!("port {port}")), "{host_key:?}");
    for check in [Check::Certificate, Check::Token, Check::Privileges, Check::NodeName] {
        let (earlier, row) = of(&rows, check);
        assert!(earlier < at && row.state == CheckState::Ok, "{row:?}");
    }
}

#[tokio::test]
async fn a_tls_server_that_says_nothing_holds_up_no_row_of_ssh() {
    let app = TestApp::start().await;
    let (_listener, port) = machines::silent();
    let rows = rows(&app, &NodeForm { port: port.to_string(), ..form(&app.simulator.nodes[0]) }).await;
    let (at, certificate) = of(&rows, Check::Certificate);
    assert!(certificate.message.contains("no answer within 5 s"), "{certificate:?}");
    for check in [Check::HostKey, Check::SshLogin, Check::Pct] {
        let (earlier, row) = of(&rows, check);
        assert!(earlier < at && row.state == CheckState::Ok, "{row:?}");
    }
}

#[tokio::test]
async fn each_question_that_is_not_answered_says_so_in_its_own_row() {
    let app = TestApp::start().await;
    for (path, check) in [
        ("/version$", Check::Token),
        ("/access/permissions", Check::Privileges),
        ("/certificates/info", Check::NodeName),
    ] {
        app.simulator.faults(json!([{ "kind": "hang", "path": path }])).await;
        let rows = rows(&app, &form(&app.simulator.nodes[0])).await;
        let (_, row) = of(&rows, check);
        assert!(row.state == CheckState::Failed && row.message.contains("did not answer in time"), "{row:?}");
        assert_eq!(row.commands.as_deref(), Some("systemctl restart pvedaemon pveproxy"));
        let failed = rows.iter().filter(|row| row.state == CheckState::Failed).count();
        assert_eq!(failed, 1, "{rows:#?}");
    }
}
