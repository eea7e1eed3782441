//! What runs inside a container: scripts, packages, services, and what survives what.

mod cli_support;

use berth_simulator::calls::CallKind;
use berth_simulator::faults::Fault;
use cli_support::{exec, start, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_script_on_standard_input_really_runs_and_its_files_stay_in_the_container() {
    let rig = start().await;
    let script = b"set -eu\nmkdir -p /srv/app\nfor n in 1 2 3; do echo line $n | tee -a /srv/app/log; done\ncat nothing || echo failed with $?\nexit 4\n";
    let seen = rig.run_with("pct exec 101 --keep-env 0 -- bash -s", script, false).await;
    assert_eq!(seen.out(), "line 1\nline 2\nline 3\nfailed with 1\n");
    assert_eq!(seen.code, Some(4));
    assert!(seen.err().contains("nothing: No such file or directory"), "{}", seen.err());
    let inside = rig.directory.path().join("pve/guests/101/rootfs/srv/app/log");
    assert_eq!(std::fs::read_to_string(inside).unwrap(), "line 1\nline 2\nline 3\n");
    assert!(!std::path::Path::new("/srv/app/log").exists(), "the machine itself was written to");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_service_runs_listens_answers_and_has_a_journal() {
    let rig = start().await;
    let before = rig.run("pct exec 101 -- sh -c 'command -v nginx curl; dpkg -s nginx'").await;
    assert_ne!(before.code, Some(0), "nginx is there before it was installed: {}", before.out());
    let install = rig.run("pct exec 101 --keep-env 0 -- apt-get install -y nginx jq").await;
    assert_eq!(install.code, Some(0), "{}{}", install.out(), install.err());
    assert!(install.out().contains("Setting up nginx (1.22.1"), "{}", install.out());
    let inside = "systemctl is-active nginx; systemctl is-enabled nginx; dpkg-query -W -f '${Status}\\n' nginx; ss -H -tln | grep -c :80; \
                  exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3; journalctl -u nginx -o cat | head -1";
    let seen = rig.run_with("pct exec 101 --keep-env 0 -- bash -s", inside.as_bytes(), false).await;
    let expected = "active\nenabled\ninstall ok installed\n1\nHTTP/1.1 200 OK\r\nStarted nginx.service - A high performance web server and a reverse proxy server.\n";
    assert_eq!(seen.out(), expected, "{}", seen.err());
    let unknown = rig.run("pct exec 101 -- apt-get install -y no-such-thing").await;
    assert_eq!(
        (unknown.code, unknown.err().as_str()),
        (Some(100), "E: Unable to locate package no-such-thing\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_a_script_writes_is_run_restarted_and_told_about() {
    let rig = start().await;
    let script = r#"
cat >/etc/systemd/system/app.service <<'UNIT'
[Unit]
Description=An app
[Service]
Environment=GREETING=hello
ExecStart=/bin/sh -c 'echo "$GREETING from $$"; exec sleep 1000'
Restart=always
RestartSec=50ms
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now app 2>/dev/null
systemctl is-active app
systemctl show app --property=Description,SubState --value
first=$(systemctl show app -p MainPID --value)
kill -9 $first
for i in $(seq 100); do now=$(systemctl show app -p MainPID --value); [ "$now" != 0 ] && [ "$now" != "$first" ] && break; sleep 0.05; done
[ "$now" != "$first" ] && echo restarted
systemctl stop app; systemctl is-active app; pgrep -f 'sleep 1000' || echo gone
"#;
    let seen = rig.run_with("pct exec 101 --keep-env 0 -- bash -s", script.as_bytes(), false).await;
    assert_eq!(seen.out(), "active\nAn app\nrunning\nrestarted\ninactive\ngone\n", "{}", seen.err());
    let journal = rig.run("pct exec 101 -- journalctl -u app --no-pager -o cat").await.out();
    assert!(journal.contains("hello from "), "{journal}");
    assert!(journal.contains("app.service: Main process exited"), "{journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_run_survives_a_connection_that_is_cut_in_mid_stream() {
    let rig = start().await;
    let run = "pct exec 101 --keep-env 0 -- systemd-run --quiet --collect --unit=job sh -c 'seq 1 50000 >/root/log; sleep 1; echo end >>/root/log; echo 3 >/root/exit'";
    assert_eq!(rig.run(run).await.code, Some(0));
    rig.simulator.host().faults().set(vec![Fault::SshDrop {
        after_bytes: Some(5000),
        after_seconds: None,
        count: Some(1),
    }]);
    let session = rig.connect().await;
    let cut = exec(&session, "pct exec 101 -- tail -c +1 -f /root/log", b"", false).await;
    assert_eq!(cut.code, None, "the connection was to be cut");
    assert_eq!(cut.stdout.len(), 5000);
    rig.until("pct exec 101 -- cat /root/exit", |seen| seen.out() == "3\n").await;
    let rest = rig.run("pct exec 101 -- tail -c +5001 /root/log").await;
    let whole = [cut.stdout, rest.stdout].concat();
    let lines: Vec<String> = (1..=50000).map(|n| format!("{n}\n")).collect();
    let expected = lines.concat() + "end\n";
    assert_eq!(String::from_utf8(whole).unwrap(), expected, "a line was lost or came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_everything_and_a_restart_of_the_simulator_brings_back_what_ran() {
    let rig = start().await;
    rig.run("pct exec 101 -- sh -c 'echo kept >/root/kept; sleep 4321 >/dev/null 2>&1 &'").await;
    rig.run("pct exec 101 --keep-env 0 -- apt-get install -y -qq redis-server").await;
    assert_eq!(rig.run("pct stop 101").await.code, Some(0));
    let marked = |text: &str| {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|p| std::fs::read(p.path().join("cmdline")).ok())
            .any(|line| String::from_utf8_lossy(&line).contains(text))
    };
    assert!(!marked("sleep\u{0}4321"), "a process of the guest outlived its stop");
    assert_eq!(rig.run("pct start 101").await.code, Some(0));
    drop(rig.simulator);
    let rig = start_in(rig.directory).await;
    assert_eq!(rig.run("pct status 101").await.out(), "status: running\n");
    rig.until("pct exec 101 -- systemctl is-active redis-server", |seen| seen.out() == "active\n").await;
    assert_eq!(rig.run("pct exec 101 -- cat /root/kept").await.out(), "kept\n");
    assert_eq!(rig.run("pct exec 101 -- pgrep -f 'sleep 4321'").await.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_and_faults_strike() {
    let rig = start().await;
    let host = rig.simulator.host();
    host.calls().reset();
    rig.run("pct list; pct exec 101 -- true; pct exec 101 -- true | cat").await;
    assert_eq!(host.calls().count(CallKind::Pct, None), 3);
    assert_eq!(host.calls().count(CallKind::Pct, Some(101)), 2);
    assert_eq!(host.calls().count(CallKind::Exec, None), 1);
    assert!(rig.try_connect("wrong").await.unwrap().is_none(), "a wrong password logged in");

    host.faults().set(vec![Fault::DiskFull]);
    let seen = rig.run("tar -C /etc -cf - hostname | pct exec 101 --keep-env 0 -- tar -xpf - -C /tmp").await;
    assert_eq!(seen.code, Some(2));
    assert!(seen.err().contains("No space left on device"), "{}", seen.err());
    host.faults().set(vec![Fault::SshRefused { count: Some(1) }]);
    assert!(rig.try_connect("FAKE-Passw0rd").await.is_err(), "a refused connection was served");
    assert!(rig.try_connect("FAKE-Passw0rd").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_key_is_the_announced_one_until_it_is_changed() {
    let rig = start().await;
    let announced = rig.simulator.ready.nodes[0].host_key_sha256.clone();
    assert_eq!(rig.host_key().await, announced);
    rig.simulator.host().faults().set(vec![Fault::ChangedHostKey]);
    assert_ne!(rig.host_key().await, announced);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alpine_container_has_apk_and_openrc() {
    let rig = start().await;
    let host = rig.simulator.host();
    host.write(|model| {
        let config = &mut model.containers.get_mut(&101).unwrap().config;
        config.insert("ostype".to_owned(), "alpine".to_owned());
    });
    rig.run("pct stop 101").await;
    host.guests().destroy(101).await.unwrap();
    rig.run("pct start 101").await;
    let inside = "command -v systemctl apt-get || echo neither; . /etc/os-release; echo $ID; apk add nginx >/dev/null; rc-update add nginx; rc-service nginx start; rc-service nginx status";
    let seen = rig.run_with("pct exec 101 --keep-env 0 -- sh -s", inside.as_bytes(), false).await;
    assert_eq!(
        seen.out(),
        "neither\nalpine\n * service nginx added to runlevel default\n * Starting nginx ... [ ok ]\n * status: started\n",
        "{}",
        seen.err()
    );
}
