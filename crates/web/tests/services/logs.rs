//! The last lines of logs.

use berth_domain::discovery::ServiceKind;
use berth_testkit::Page;

use crate::rig::{ALPINE, DEBIAN, Rig, lines, service, texts};

fn errors(page: &Page) -> Vec<String> {
    texts(&page.html, ".log-line.log-error")
}

#[tokio::test]
async fn the_last_error_of_a_service_is_found() {
    let mut rig = Rig::new().await;
    let script = "for n in $(seq 1 120); do echo line $n; done; echo '<3>no luck: <b>markup</b> & more'
        printf 'a \\033[31mred\\033[0m word\\n'; exec sleep infinity";
    let path = rig.printing(script).await;
    let page = rig.until_shown(&path, "ansi-fg-1").await;
    assert_eq!(page.status, 200);
    let shown = lines(&page);
    assert_eq!(shown.len(), 50, "{shown:?}");
    assert_eq!(&shown[46..], ["line 119", "line 120", "no luck: <b>markup</b> & more", "a red word"]);
    assert!(errors(&page).len() == 1 && errors(&page)[0].ends_with("no luck: <b>markup</b> & more"));
    assert!(page.html.contains("<time class=\"log-time\"") && !page.html.contains("<b>markup"));

    let all = rig.browser.get(&format!("{path}&lines=1000")).await;
    let shown = lines(&all);
    assert!(shown.contains(&"line 1".to_owned()) && shown.len() > 120, "{shown:?}");
    // Older than what is shown by itself, in any case.
    let found = rig.browser.get(&format!("{path}&q=LINE+7")).await;
    assert_eq!(lines(&found).len(), 11, "{:?}", lines(&found));
    assert_eq!(lines(&rig.browser.get(&format!("{path}&q=nowhere")).await), Vec::<String>::new());
    // A number of lines that is none, and one that is too many.
    assert_eq!(lines(&rig.browser.get(&format!("{path}&lines=many")).await).len(), 50);
    assert!(lines(&rig.browser.get(&format!("{path}&lines=99999999999")).await).len() > 120);
}

#[tokio::test]
async fn files_of_a_service_are_offered_beside_its_journal() {
    let mut rig = Rig::new().await;
    let path = rig.printing("exec sleep infinity").await;
    let write = "mkdir -p /var/log/app && echo served >/var/log/app/access.log && printf 'first\\nlast' >/var/log/app/error.log";
    rig.app.simulator.shell(DEBIAN, write).await;
    let page = rig.browser.get(&path).await;
    let offered = texts(&page.html, "select[name=source] option");
    assert_eq!(offered, ["journal", "/var/log/app/error.log", "/var/log/app/access.log"]);
    let page = rig.browser.get(&format!("{path}&source=/var/log/app/error.log")).await;
    assert_eq!(lines(&page), ["first", "last"], "{}", page.html);
    // Nothing but what is offered is read.
    let page = rig.browser.get(&format!("{path}&source=/etc/passwd")).await;
    assert_eq!(page.status, 409);
    assert!(!page.html.contains("root:x:0"), "{}", page.html);
}

#[tokio::test]
async fn openrc_docker_bare_processes_and_the_system_have_logs() {
    let mut rig = Rig::new().await;
    let (alpine, debian) = (rig.adopt(ALPINE).await, rig.adopt(DEBIAN).await);
    rig.app
        .simulator
        .shell(ALPINE, "apk add nginx >/dev/null && rc-service nginx start; rm -rf /var/log/nginx")
        .await;
    rig.found(alpine, &[service("nginx", ServiceKind::Openrc)], &[]).await;
    let page = rig.until_shown(&format!("/containers/{alpine}/services/nginx/log"), "nginx started").await;
    assert!(lines(&page).iter().all(|line| line.contains(" nginx[")), "{:?}", lines(&page));
    let page = rig.browser.get(&format!("/containers/{alpine}/log")).await;
    assert!(lines(&page).iter().any(|line| line.contains("daemon.info nginx[")), "{:?}", lines(&page));

    let run = "apt-get install -y -q docker.io >/dev/null && systemctl start docker
        docker run -d --name shop shop sh -c 'echo welcome; echo oops >&2; exec sleep infinity'";
    rig.app.simulator.shell(DEBIAN, run).await;
    let services = [service("shop", ServiceKind::Docker), service("sh", ServiceKind::Process)];
    rig.found(debian, &services, &[]).await;
    let page = rig.until_shown(&format!("/containers/{debian}/services/shop/log"), "oops").await;
    assert_eq!(lines(&page), ["welcome", "oops"]);
    let page = rig.browser.get(&format!("/containers/{debian}/services/sh/log?kind=process")).await;
    assert_eq!(page.status, 200);
    let page = rig.browser.get(&format!("/containers/{debian}/log?lines=1000")).await;
    assert!(lines(&page).iter().any(|line| line.starts_with("systemd: Started")), "{:?}", lines(&page));
}

#[tokio::test]
async fn a_service_whose_name_is_shell_is_only_a_name() {
    let mut rig = Rig::new().await;
    let id = rig.adopt(DEBIAN).await;
    let names = [
        "$(touch /root/pwned)",
        "`touch /root/pwned`",
        "x; touch /root/pwned",
        "x' || touch /root/pwned #",
        "-f",
        "--vacuum-size=1",
        "../../../etc/passwd",
        "<script>alert(1)</script>",
        "a b/c?d#e%41&f",
    ];
    for kind in [ServiceKind::Systemd, ServiceKind::Openrc, ServiceKind::Docker, ServiceKind::Process] {
        let services: Vec<_> = names.iter().map(|name| service(name, kind)).collect();
        rig.found(id, &services, &[]).await;
        let tab = rig.browser.get(&format!("/containers/{id}/services")).await;
        assert!(!tab.html.contains("<script>alert"));
        let links: Vec<String> = {
            let html = scraper::Html::parse_document(&tab.html);
            let selector = scraper::Selector::parse("td.table-end a").unwrap();
            html.select(&selector).map(|link| link.attr("href").unwrap().to_owned()).collect()
        };
        assert_eq!(links.len(), names.len());
        for link in links {
            let page = rig.browser.get(&link).await;
            assert!([200, 409].contains(&page.status), "{link}: {} {}", page.status, page.html);
            assert!(!page.html.contains("<script>alert") && !page.html.contains("root:x:0"), "{link}");
        }
    }
    rig.app.simulator.shell(DEBIAN, "[ ! -e /root/pwned ]").await;
    // What was not found there has no log, whatever there is.
    for name in ["ssh", "x", "..%2f..", "%24(touch)"] {
        assert_eq!(
            rig.browser.get(&format!("/containers/{id}/services/{name}/log")).await.status,
            404,
            "{name}"
        );
    }
    assert_eq!(rig.browser.get(&format!("/containers/{id}/services/-f/log?kind=docker")).await.status, 404);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_says_why_and_what_to_do() {
    let mut rig = Rig::new().await;
    let path = rig.printing("exec sleep infinity").await;
    rig.app.simulator.root_shell(0, &format!("pct stop {DEBIAN}")).await;
    let page = rig.browser.get(&path).await;
    assert_eq!(page.status, 409);
    let notice = texts(&page.html, ".notice-warning").join(" ");
    assert!(
        notice.contains("ct101 is not running. Start it") || notice.contains("Start it and try again"),
        "{notice}"
    );
    let follow = path.replace("/log?", "/log/follow?");
    assert_eq!(rig.follow(&follow, "now").await.status, 409);
    assert_eq!(rig.follow(&follow, "nonsense").await.status, 400);
}
