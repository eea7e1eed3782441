//! Logs as they grow.

use berth_domain::discovery::ServiceKind;
use berth_testkit::form::Form;

use crate::rig::{ALPINE, DEBIAN, Rig, lines, service};

const ROTATED: &str = "The log was begun anew";
/// Prints a line whenever this file has grown by one.
const TICKER: &str = "touch /root/ticks; exec tail -n +1 -f /root/ticks";

async fn tick(rig: &Rig, vmid: u32, file: &str, text: &str) {
    rig.app.simulator.shell(vmid, &format!("printf '{text}' >>{file}")).await;
}

#[tokio::test]
async fn whoever_goes_on_where_they_stopped_misses_nothing_and_sees_nothing_twice() {
    let mut rig = Rig::new().await;
    let path = rig.printing(TICKER).await;
    tick(&rig, DEBIAN, "/root/ticks", "one\\n").await;
    let page = rig.until_shown(&path, "one").await;
    let (url, after) = Rig::follows(&page);
    let mut followed = rig.follow(&url, &after).await;
    tick(&rig, DEBIAN, "/root/ticks", "two\\nthree\\n").await;
    assert_eq!(followed.lines(2).await, ["two", "three"]);
    let last = followed.last.clone();
    drop(followed);
    tick(&rig, DEBIAN, "/root/ticks", "four\\nfive\\n").await;
    let mut followed = rig.follow(&url, &last).await;
    assert_eq!(followed.lines(2).await, ["four", "five"]);
    // From the page on it is all of them, and from the start no less.
    assert_eq!(rig.follow(&url, &after).await.lines(4).await, ["two", "three", "four", "five"]);
    assert!(rig.follow(&url, "start").await.lines(5).await.contains(&"one".to_owned()));
    // Only what is searched.
    let mut searched = rig.follow(&format!("{url}&q=FO"), &after).await;
    assert_eq!(searched.lines(1).await, ["four"]);
}

#[tokio::test]
async fn a_log_of_docker_is_followed_the_same_way() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    let run = "apt-get install -y -q docker.io >/dev/null && systemctl start docker
        touch /root/ticks && docker run -d --name shop shop tail -n +1 -f /root/ticks";
    rig.app.simulator.shell(DEBIAN, run).await;
    rig.found(id, &[service("shop", ServiceKind::Docker)], &[]).await;
    tick(&rig, DEBIAN, "/root/ticks", "one\\n").await;
    let page = rig.until_shown(&format!("/containers/{id}/services/shop/log"), "one").await;
    let (url, after) = Rig::follows(&page);
    let mut followed = rig.follow(&url, &after).await;
    tick(&rig, DEBIAN, "/root/ticks", "two\\nthree\\n").await;
    assert_eq!(followed.lines(2).await, ["two", "three"]);
    let last = followed.last.clone();
    drop(followed);
    tick(&rig, DEBIAN, "/root/ticks", "four\\n").await;
    assert_eq!(rig.follow(&url, &last).await.lines(1).await, ["four"]);
}

#[tokio::test]
async fn a_file_is_followed_beyond_its_rotation() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(ALPINE).await;
    rig.found(id, &[service("shop", ServiceKind::Openrc)], &[]).await;
    let file = "/var/log/shop.log";
    tick(&rig, ALPINE, file, "one\\nha").await;
    let page = rig.browser.get(&format!("/containers/{id}/services/shop/log")).await;
    assert_eq!(lines(&page), ["one", "ha"]);
    let (url, after) = Rig::follows(&page);
    let mut followed = rig.follow(&url, &after).await;
    tick(&rig, ALPINE, file, "lf\\ntwo\\n").await;
    assert_eq!(followed.lines(2).await, ["lf", "two"]);
    let last = followed.last.clone();
    // Put aside with a last line in it, as logrotate does.
    rig.app
        .simulator
        .shell(ALPINE, &format!("echo three >>{file}; mv {file} {file}.1; echo four >{file}"))
        .await;
    assert_eq!(followed.lines(3).await, ["three", ROTATED, "four"]);
    drop(followed);
    // Who was away meanwhile sees the same.
    let mut followed = rig.follow(&url, &last).await;
    assert_eq!(followed.lines(3).await, ["three", ROTATED, "four"]);
    rig.app.simulator.shell(ALPINE, &format!("echo 5 >{file}")).await;
    assert_eq!(followed.lines(2).await, [ROTATED, "5"]);
}

#[tokio::test]
async fn nothing_runs_on_in_the_container_for_somebody_who_is_gone() {
    let mut rig = Rig::new().await;
    let path = rig.printing(TICKER).await;
    let page = rig.browser.get(&path).await;
    let (url, _) = Rig::follows(&page);
    let followed = rig.follow(&url, "now").await;
    assert_eq!(followed.status, 200);
    rig.app.simulator.until(DEBIAN, "pgrep -f '[j]ournalctl.*--follow'").await;
    drop(followed);
    rig.app.simulator.until(DEBIAN, "! pgrep -f '[j]ournalctl.*--follow'").await;
    rig.app.simulator.until(DEBIAN, "! pgrep -f 'dd [b]s=64'").await;
}

#[tokio::test]
async fn somebody_follows_so_many_and_nobody_without_a_session() {
    let mut rig = Rig::new().await;
    let path = rig.printing(TICKER).await;
    let page = rig.browser.get(&path).await;
    let (url, _) = Rig::follows(&page);
    let mut followed = Vec::new();
    for _ in 0..8 {
        followed.push(rig.follow(&url, "now").await);
    }
    assert!(followed.iter().all(|followed| followed.status == 200));
    assert_eq!(rig.follow(&url, "now").await.status, 409);
    drop(followed.pop());
    berth_testkit::wait_until(berth_testkit::DEADLINE, "a place is free again", async || {
        (rig.follow(&url, "now").await.status == 200).then_some(())
    })
    .await;

    let http = berth_testkit::browser::http();
    let ask = http.get(format!("{}{url}", rig.browser.base())).header("accept", "text/event-stream");
    assert_eq!(ask.send().await.unwrap().status().as_u16(), 401);
    // The session ends, and what was opened in it.
    let page = rig.browser.get("/").await;
    rig.browser.submit(&Form::of(&page.html, "/logout").unwrap()).await;
    let mut last = followed.pop().unwrap();
    while last.next().await.is_some() {}
}
