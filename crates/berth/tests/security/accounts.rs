//! Who somebody is, and who comes first.

use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Owner, TestApp};

use crate::impostor::stranger;
use crate::visitor::{Visitor, certificate, logged_in, root, users};

#[tokio::test]
async fn root_of_one_host_is_not_root_of_another() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOGIN_HOSTS", "any".into())]).await;
    let visitor = Visitor::new(&base);
    let here = logged_in(&app, &visitor).await;
    let Owner { node, .. } = app.owner().await;
    let impostor = stranger(&app).await;
    let there = visitor.log_in(&root(impostor.api, certificate(&impostor))).await.session().unwrap();
    assert_eq!(users(&app).await.len(), 2, "both are root@pam");

    assert!(visitor.page("/settings/nodes", &here).await.body.contains("attic"));
    assert!(!visitor.page("/settings/nodes", &there).await.body.contains("attic"));
    let path = format!("/settings/nodes/{node}/delete");
    assert_eq!(visitor.page(&path, &here).await.status, 200);
    assert_eq!(visitor.page(&path, &there).await.status, 404);
    let cookie = format!("berth_session={there}");
    let forget = vec![("forget", "on".to_owned())];
    assert_eq!(visitor.post(&path, &forget, &[("cookie", &cookie)]).await.status, 404);
    assert!(visitor.page("/settings/nodes", &here).await.body.contains("attic"));
}

/// Each confirms the certificate that it was shown, and both hosts take the password.
#[tokio::test]
async fn of_two_first_logins_at_once_one_claims_berth() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOGIN_ATTEMPTS", "1000/5m".into())]).await;
    let visitor = Visitor::new(&base);
    let impostor = stranger(&app).await;
    for round in 0..5 {
        let (here, there) = (
            root(app.simulator.api, certificate(&app.simulator)),
            root(impostor.api, certificate(&impostor)),
        );
        let answers = tokio::join!(visitor.log_in(&here), visitor.log_in(&there));
        let mut statuses = [answers.0.status, answers.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 422], "round {round}");
        let (winner, address) = if answers.0.status == 303 {
            (&answers.0, app.simulator.api)
        } else {
            (&answers.1, impostor.api)
        };
        let loser = if answers.0.status == 303 { &answers.1 } else { &answers.0 };
        assert!(visitor.is_open(&winner.session().unwrap()).await);
        assert_eq!(loser.session(), None);
        assert_eq!(users(&app).await, [format!("{address} root@pam")], "round {round}");
        let hosts: Vec<String> =
            sqlx::query_scalar("select host || ':' || port || ' ' || source from login_hosts")
                .fetch_all(&app.ctx.pg)
                .await
                .unwrap();
        assert_eq!(hosts, [format!("{address} claimed")], "round {round}");
        sqlx::raw_sql("truncate users, login_hosts cascade").execute(&app.ctx.pg).await.unwrap();
    }
    assert!(impostor.passwords_received().await.iter().all(|sent| sent == ROOT_PASSWORD));
}
