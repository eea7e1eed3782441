//! Logs that are large, and services that print without end.

use berth_domain::discovery::ServiceKind;
use berth_testkit::{DEADLINE, wait_until};

use crate::rig::{ALPINE, DEBIAN, Rig, service};

const LINES: usize = 60_000;
/// How much more memory the pages may take for it, in KiB: the log is many times that.
const MORE: u64 = 48 << 10;

impl Rig {
    /// Resident memory of `berth web`, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.web.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

/// As many lines as in a minute of a service that prints a thousand a second, as fast as they come.
#[tokio::test]
async fn sixty_thousand_lines_come_once_each_and_take_no_memory() {
    let mut rig = Rig::new().await;
    let path = rig.printing("while [ ! -e /root/go ]; do sleep 0.1; done; seq -f 'line %.0f of many, with some words to make it longer' 60000; exec sleep infinity").await;
    let page = rig.browser.get(&path).await;
    let (url, after) = Rig::follows(&page);
    let mut followed = rig.follow(&url, &after).await;
    let before = rig.memory();
    rig.app.simulator.shell(DEBIAN, "touch /root/go").await;
    let (mut seen, mut most) = (0, before);
    while seen < LINES {
        // Somebody whose connection breaks now and then.
        let broken = seen / 20_000;
        for text in followed.lines(1).await {
            let Some(number) = text.strip_prefix("line ") else { continue };
            seen += 1;
            assert!(number.starts_with(&format!("{seen} of")), "{seen} lines came, and then {text}");
        }
        most = most.max(rig.memory());
        if seen / 20_000 > broken {
            let last = followed.last.clone();
            followed = rig.follow(&url, &last).await;
        }
    }
    assert!(most < before + MORE, "from {before} KiB to {most} KiB");
}

/// Many times the memory it may take, half of it one line.
#[tokio::test]
async fn a_huge_log_is_shown_and_downloaded_within_bounds() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(ALPINE).await;
    rig.found(id, &[service("shop", ServiceKind::Openrc)], &[]).await;
    let fill = "yes 'a line of a log that is far too large' | head -c 67108864 >/var/log/shop.log
        head -c 67108864 /dev/zero | tr '\\0' x >>/var/log/shop.log; printf '\\nlast\\n' >>/var/log/shop.log; stat -c %s /var/log/shop.log";
    let size: u64 = rig.app.simulator.shell(ALPINE, fill).await.trim().parse().unwrap();
    let path = format!("/containers/{id}/services/shop/log");
    let before = rig.memory();
    let page = rig.browser.get(&format!("{path}?lines=1000&q=last")).await;
    assert_eq!(crate::rig::lines(&page), ["last"]);
    assert!(page.html.len() < 1 << 20);

    let url = format!("{}{path}/download", rig.browser.base());
    let request = berth_testkit::browser::http().get(url).header("cookie", rig.cookie());
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"ct102-shop.log\"");
    let (mut read, mut most) = (0, before);
    while let Some(chunk) = answer.chunk().await.unwrap() {
        read += chunk.len() as u64;
        most = most.max(rig.memory());
    }
    assert_eq!(read, size);
    assert!(most < before + MORE, "from {before} KiB to {most} KiB");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_no_whole_file() {
    let rig = Rig::new().await;
    let id = rig.adopt(ALPINE).await;
    rig.found(id, &[service("shop", ServiceKind::Openrc)], &[]).await;
    rig.app.simulator.shell(ALPINE, "yes line | head -c 67108864 >/var/log/shop.log").await;
    let fault = serde_json::json!([{"kind": "ssh-drop", "after_bytes": 1_000_000}]);
    rig.app.simulator.faults(fault).await;
    let url = format!("{}/containers/{id}/services/shop/log/download", rig.browser.base());
    let request = berth_testkit::browser::http().get(url).header("cookie", rig.cookie());
    let mut answer = request.send().await.unwrap();
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "a browser would keep it as if it were whole");
}

/// Nothing is read that nobody takes.
#[tokio::test]
async fn whoever_does_not_read_holds_the_log_up_and_not_the_memory() {
    let mut rig = Rig::new().await;
    let path = rig.printing("touch /root/started; yes 'a line that comes again and again, far more often than anybody reads' | head -n 300000; exec sleep infinity").await;
    rig.app.simulator.until(DEBIAN, "[ -e /root/started ]").await;
    let page = rig.browser.get(&path).await;
    let (url, _) = Rig::follows(&page);
    let before = rig.memory();
    let followed = rig.follow(&url, "start").await;
    let printed = || async { rig.app.simulator.shell(DEBIAN, "wc -l </var/log/journal/system.jsonl").await };
    wait_until(DEADLINE, "the service has printed", async || {
        (printed().await.trim().parse::<u64>().unwrap() >= 300_000).then_some(())
    })
    .await;
    assert!(rig.memory() < before + MORE, "from {before} KiB to {} KiB", rig.memory());
    assert_eq!(followed.status, 200);
}
