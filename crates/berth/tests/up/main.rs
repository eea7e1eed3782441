//! `berth up` as real processes: it comes up, twice, over what a killed one left, and leaves nothing.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod keys;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DEADLINE: Duration = Duration::from_mins(1);

struct Up {
    child: Child,
    port: u16,
}

impl Up {
    fn start(data: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(data.join("up.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("BERTH_LISTEN", format!("127.0.0.1:{port}")).env("BERTH_DATA_DIR", data);
        let child = command.arg("up").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, port }
    }

    fn started(data: &Path) -> Self {
        let mut up = Self::start(data);
        until(data, "the page answers", || {
            assert_eq!(up.child.try_wait().unwrap(), None, "{}", log(data));
            status(up.port, "/readyz") == Some(200)
        });
        up
    }

    fn signal(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // A failed assertion must leave nothing either.
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn until(data: &Path, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}\n{}", log(data));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn log(data: &Path) -> String {
    std::fs::read_to_string(data.join("up.log")).unwrap_or_default()
}

fn status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_whitespace().nth(1)?.parse().ok()
}

/// Processes whose command line or environment names the directory, other than `up` itself.
fn processes_of(data: &Path) -> Vec<String> {
    let marker = data.to_str().unwrap();
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let read = |path: &Path, file: &str| {
        String::from_utf8_lossy(&std::fs::read(path.join(file)).unwrap_or_default()).replace('\0', " ")
    };
    processes
        .map(|entry| (read(&entry.path(), "cmdline"), read(&entry.path(), "environ")))
        .filter(|(cmdline, environ)| {
            !cmdline.is_empty() && (cmdline.contains(marker) || environ.contains(marker))
        })
        .map(|(cmdline, _)| cmdline)
        .collect()
}

fn pid(data: &Path, of: &str) -> Option<i32> {
    std::fs::read_to_string(data.join(format!("{of}.pid"))).ok()?.trim().parse().ok()
}

/// A short directory that PostgreSQL's user may enter.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("berth-up-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

#[test]
fn it_comes_up_twice_and_leaves_no_process() {
    let directory = directory();
    let data = directory.path();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut up = Up::started(data);
        assert!(
            processes_of(data).len() >= 5,
            "up, web, worker, PostgreSQL and Redis: {:?}",
            processes_of(data)
        );
        let before = Instant::now();
        let ended = up.signal(signal);
        assert_eq!(ended.code(), Some(0), "{}", log(data));
        assert!(before.elapsed() < Duration::from_secs(25), "it took {:?} to stop", before.elapsed());
        assert_eq!(processes_of(data), Vec::<String>::new());
    }
}

#[test]
fn what_a_killed_one_left_is_no_obstacle() {
    let directory = directory();
    let data = directory.path();
    let mut killed = Up::started(data);
    assert_eq!(killed.signal(Signal::SIGKILL).code(), None);
    let mut again = Up::started(data);
    assert_eq!(again.signal(Signal::SIGTERM).code(), Some(0));
    until(data, "nothing is left", || processes_of(data).is_empty());
}

#[test]
fn a_killed_worker_and_a_killed_redis_are_started_again() {
    let directory = directory();
    let data = directory.path();
    let up = Up::started(data);
    let worker = pid(data, "worker").unwrap();
    kill(Pid::from_raw(worker), Signal::SIGKILL).unwrap();
    until(data, "another worker runs", || pid(data, "worker").is_some_and(|now| now != worker));

    let redis: i32 = std::fs::read_to_string(data.join("run/redis.pid")).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(redis), Signal::SIGKILL).unwrap();
    let running = |pid: &i32| Path::new(&format!("/proc/{pid}")).exists();
    until(data, "another Redis runs", || {
        let now =
            std::fs::read_to_string(data.join("run/redis.pid")).unwrap_or_default().trim().parse::<i32>();
        now.is_ok_and(|now| now != redis && running(&now)) && status(up.port, "/readyz") == Some(200)
    });
}

#[test]
fn a_second_one_on_the_same_data_and_a_taken_port_say_what_is_wrong() {
    let (one, two) = (directory(), directory());
    let up = Up::started(one.path());
    let run = |data: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("BERTH_LISTEN", format!("127.0.0.1:{}", up.port)).env("BERTH_DATA_DIR", data);
        let output = command.arg("up").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let same_data = run(one.path());
    assert!(same_data.contains("another `berth up`") && same_data.contains("BERTH_DATA_DIR"), "{same_data}");
    let same_port = run(two.path());
    assert!(same_port.contains("BERTH_LISTEN") && same_port.contains(&up.port.to_string()), "{same_port}");
    until(two.path(), "nothing is left", || processes_of(two.path()).is_empty());
}
