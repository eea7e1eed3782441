//! `berth login-host` on a database of its own: run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::process::{Command, Output};

use berth_domain::{Clock, Fingerprint, HostPort};
use berth_store::login_hosts::{self, Trust};
use berth_testkit::database::Database;

struct Rig {
    database: Database,
    mode: &'static str,
}

impl Rig {
    async fn new(mode: &'static str) -> Self {
        Self { database: Database::create().await, mode }
    }

    fn berth(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
        command.env("BERTH_DATABASE_URL", &self.database.url).env("BERTH_LOGIN_HOSTS", self.mode);
        command.arg("login-host").args(arguments).output().unwrap()
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.berth(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of an error, and the exit code.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.berth(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let [line] = lines[..] else { panic!("{arguments:?}: {text}") };
        (output.status.code().unwrap(), line.strip_prefix("error: ").unwrap().to_owned())
    }

    async fn trust(&self, host: &str) -> Trust {
        login_hosts::find(&self.database.pool, &host.parse().unwrap()).await.unwrap().unwrap().trust
    }
}

#[tokio::test]
async fn hosts_are_added_listed_and_removed() {
    let rig = Rig::new("claim").await;
    assert!(rig.says(&["list"]).contains("no host is claimed yet"));
    let (claimed, now): (HostPort, _) = ("pve.lan:8006".parse().unwrap(), Clock::system().now());
    let pin = Fingerprint::new([0xab; 32]);
    assert!(login_hosts::claim(&rig.database.pool, &claimed, Some(pin), now).await.unwrap());
    let list = rig.says(&["list"]);
    let line = format!("pve.lan:8006\tmay log people in\tclaimed {}\t{pin}", now.date());
    assert!(list.lines().any(|found| found == line) && list.contains("claim: only the hosts"), "{list}");

    assert_eq!(rig.says(&["add", "2001:db8::1"]), "[2001:db8::1]:8006 may log people in.\n");
    assert!(rig.fails(&["add", "[2001:db8::1]:8006"]).1.contains("there already"));
    assert!(rig.says(&["list"]).contains("[2001:db8::1]:8006\tmay log people in\tadded"));
    // Another one is left, so that nothing is opened by it.
    rig.says(&["remove", "pve.lan"]);
    assert_eq!(rig.fails(&["remove", "pve.lan"]).0, 1);

    let (code, line) = rig.fails(&["remove", "[2001:db8::1]:8006"]);
    assert_eq!(code, 1);
    assert!(line.contains("only login host") && line.contains("--yes"), "{line}");
    assert_eq!(login_hosts::list(&rig.database.pool).await.unwrap().len(), 1, "nothing was done");
    assert!(rig.says(&["remove", "[2001:db8::1]:8006", "--yes"]).contains("becomes the only one"));
    assert!(rig.says(&["list"]).contains("no host is claimed yet"));
}

#[tokio::test]
async fn the_list_goes_by_the_mode() {
    let rig = Rig::new("pve.lan:8006,10.0.0.2:8006").await;
    assert!(rig.says(&["add", "attic.lan"]).contains("add it there too"));
    assert_eq!(rig.says(&["add", "pve.lan"]), "pve.lan:8006 may log people in.\n");
    let list = rig.says(&["list"]);
    assert!(list.contains("only pve.lan:8006, 10.0.0.2:8006 may log people in"), "{list}");
    assert!(
        list.contains("attic.lan:8006\tmay not\t") && list.contains("pve.lan:8006\tmay log people in\t"),
        "{list}"
    );
    // The list is what allows: no claim is opened by it.
    rig.says(&["remove", "attic.lan"]);
    rig.says(&["remove", "pve.lan"]);
    let rig = Rig { mode: "any", ..rig };
    assert!(rig.says(&["list"]).contains("every host"));
}

#[tokio::test]
async fn a_changed_certificate_is_accepted_by_its_fingerprint() {
    let rig = Rig::new("claim").await;
    let (claimed, now): (HostPort, _) = ("[fe80::1]:8006".parse().unwrap(), Clock::system().now());
    let (old, new) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
    assert!(login_hosts::claim(&rig.database.pool, &claimed, Some(old), now).await.unwrap());
    // Word for word what the login page shows, as a shell reads it.
    let command = berth_operations::login::accepting(&claimed, new);
    let words = Command::new("bash").args(["-c", &format!("printf '%s\\n' {command}")]).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let arguments: Vec<&str> = words.lines().skip(2).collect();
    assert!(rig.says(&arguments).contains(&new.to_string()), "{arguments:?}");
    assert_eq!(rig.trust("[fe80::1]:8006").await, Trust::Pinned(new));
    rig.says(&["accept-certificate", "fe80::1", "--public"]);
    assert_eq!(rig.trust("[fe80::1]:8006").await, Trust::PublicRoots);
    assert_eq!(rig.fails(&["accept-certificate", "pve.lan", &new.to_string()]).0, 1, "it is not stored");
    assert_eq!(rig.fails(&["accept-certificate", "pve.lan"]).0, 1);
}

#[tokio::test]
async fn what_cannot_be_is_one_line_and_exit_code_2() {
    let rig = Rig::new("claim").await;
    for (arguments, part) in [
        (&["accept-certificate", "pve.lan", "AB:CD"][..], "32 pairs of hexadecimal digits"),
        (&["add", "https://pve.lan/"], "without http://"),
        (&["add", "pve lan"], "neither a host name"),
        (&["add", "pve.lan:0"], "'pve.lan:0'"),
        (&["add", "pve.lan:70000"], "'pve.lan:70000'"),
        (&["remove", "::g"], "neither a host name"),
    ] {
        let (code, line) = rig.fails(arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(line.contains(part), "{arguments:?}: {line}");
    }
}
