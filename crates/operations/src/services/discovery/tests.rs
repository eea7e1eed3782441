use super::*;

/// The unit, socket and property lines are those of a real Debian 12 container.
const DEBIAN: &str = r#"== addresses
inet 10.77.0.120
== sockets
LISTEN 0      4096   *:22 *:* users:(("sshd",pid=105,fd=3),("systemd",pid=1,fd=38))
LISTEN 0      511    0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=201,fd=6),("nginx",pid=200,fd=6))
LISTEN 0      511    [::]:80 [::]:* users:(("nginx",pid=201,fd=7),("nginx",pid=200,fd=7))
LISTEN 0      128    127.0.0.1:6379 0.0.0.0:* users:(("redis-server",pid=300,fd=6))
LISTEN 0      5      0.0.0.0:8000 0.0.0.0:* users:(("python3",pid=400,fd=3))
== units
apparmor.service                     not-found inactive dead    apparmor.service
cron.service                         loaded    active   running Regular background program processing daemon
networking.service                   loaded    active   exited  Raise network interfaces
nginx.service                        loaded    active   running A high performance web server
ssh.service                          loaded    active   running OpenBSD Secure Shell server
app.service                          loaded    failed   failed  My app
worker.service                       loaded    inactive dead    My worker
== unit-files
nginx.service enabled enabled
worker.service enabled enabled
== pids
MainPID=105
ControlGroup=/system.slice/ssh.service
Id=ssh.service
MainPID=200
ControlGroup=/system.slice/nginx.service
Id=nginx.service
== cgroups
201 0::/system.slice/nginx.service
== credentials
nginx STATUS_PASSWORD
nginx STATUS_USER
$(reboot) KEY
== end
"#;

#[test]
fn a_debian_container() {
    let found = read(DEBIAN);
    assert_eq!(found.address.as_deref(), Some("10.77.0.120"));
    let named = [("nginx", "STATUS_PASSWORD"), ("nginx", "STATUS_USER")];
    let named = named.map(|(service, key)| Credential { service: service.into(), key: key.into() });
    assert_eq!(found.credentials, named);
    assert!(is_whole(DEBIAN) && !is_whole(&DEBIAN[..DEBIAN.len() - 5]));
    let summary: Vec<_> = found
        .services
        .iter()
        .map(|service| (service.name.as_str(), service.state, service.ports.clone(), service.system))
        .collect();
    assert_eq!(
        summary,
        [
            ("nginx", ServiceState::Running, vec![80], false),
            ("python3", ServiceState::Running, vec![8000], false),
            ("app", ServiceState::Failed, vec![], false),
            ("worker", ServiceState::Stopped, vec![], false),
            ("ssh", ServiceState::Running, vec![22], true),
            ("cron", ServiceState::Running, vec![], true),
        ]
    );
}

#[test]
fn what_a_container_makes_up_is_kept_in_bounds() {
    let docker: Vec<String> =
        (0..2000).map(|number| format!("{number:0>5}{}\tx\trunning\t", "n".repeat(9000))).collect();
    let docker = docker.join("\n");
    let found = read(&format!("== addresses\ninet evil.example/x\ninet6 ::1@evil\n== docker\n{docker}"));
    assert_eq!(found.address, None);
    assert_eq!(found.services.len(), MOST_SERVICES);
    assert!(found.services.iter().all(|service| service.name.chars().count() <= LONGEST_NAME));
}

#[test]
fn a_docker_host() {
    let found = read(
        "== sockets\nLISTEN 0 4096 0.0.0.0:8080 0.0.0.0:* users:((\"docker-proxy\",pid=9,fd=4))\n== docker\nweb\tnginx:latest\trunning\t0.0.0.0:8080->80/tcp, [::]:8080->80/tcp\ndb\tpostgres\texited\t\n",
    );
    let summary: Vec<_> = found
        .services
        .iter()
        .map(|service| (service.name.as_str(), service.kind, service.ports.clone()))
        .collect();
    assert_eq!(summary, [("web", ServiceKind::Docker, vec![8080]), ("db", ServiceKind::Docker, vec![])]);
}

/// What `netstat` of busybox prints, through the script's own lines.
#[test]
fn an_alpine_container_without_ss() {
    let netstat = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \ntcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN      20/nginx: master pr\ntcp        0      0 127.0.0.1:25            0.0.0.0:*               LISTEN      30/smtpd\ntcp        0      0 :::22                   :::*                    LISTEN      40/sshd\n";
    let awk = SCRIPT.split_once("| awk '$6").and_then(|(_, rest)| rest.split_once("}'")).unwrap().0;
    let mut child = std::process::Command::new("awk")
        .arg(format!("$6{awk}}}"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), netstat.as_bytes()).unwrap();
    let sockets = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let openrc = " nginx [  started  ]\n sshd [  started 01:00:00 (0)  ]\n";
    let found = read(&format!("== sockets\n{sockets}== openrc\n{openrc}"));
    let summary: Vec<_> =
        found.services.iter().map(|service| (service.name.as_str(), service.ports.clone())).collect();
    assert_eq!(summary, [("nginx", vec![80]), ("sshd", vec![22])]);
}

/// As much as is read of a container that prints what it likes; without bounds this would take minutes and give gigabytes.
#[test]
fn a_container_that_floods() {
    let socket = |port: u32| {
        let users: Vec<String> = (0..500).map(|pid| format!("(\"a{pid}\",pid={},fd=1)", pid + 2)).collect();
        format!("LISTEN 0 1 0.0.0.0:{} 0.0.0.0:* users:({})\n", port % 60_000 + 1, users.join(","))
    };
    let sockets: String = (0..3000).map(socket).collect();
    let openrc: Vec<String> = (0..200_000).map(|number| format!(" a{number} [  started  ]")).collect();
    let openrc = openrc.join("\n");
    let mappings: Vec<String> = (1..2000).map(|port| format!("0.0.0.0:{port}->1/tcp")).collect();
    let docker = format!("web\tnginx\trunning\t{}\n", mappings.join(","));
    let found = read(&format!("== sockets\n{sockets}== openrc\n{openrc}\n== docker\n{docker}"));
    assert_eq!(found.services.len(), MOST_SERVICES);
    assert!(found.services.iter().all(|service| service.ports.len() <= MOST_PORTS));
}

#[test]
fn an_alpine_container() {
    let found = read(
        "== sockets\nLISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:((\"nginx\",pid=20,fd=6))\n== openrc\nRunlevel: default\n nginx                                       [  started  ]\n crond                                       [  started  ]\n",
    );
    assert_eq!(found.services[0].name, "nginx");
    assert_eq!(found.services[0].ports, [80]);
    assert!(found.services[1].system);
}
