//! Our scripts for containers, run by this machine's own shell.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use berth_domain::container_template::{FilePolicy, Owner, Script, TemplateFile};
use berth_domain::creation::CreationSpec;
use tempfile::TempDir;

use super::frames::{Frame, FrameReader};
use super::lines::LineCutter;
use super::{bundle, steps};

/// A run's directory as it is inside a container: `runs/ID/ATTEMPT`.
pub(super) struct Run {
    root: TempDir,
}

impl Run {
    pub(super) fn unpack(spec: &CreationSpec) -> Self {
        let run = Self { root: tempfile::tempdir().unwrap() };
        let archive = bundle::pack(&spec.files, &steps::plan(spec)).unwrap();
        tar::Archive::new(&archive[..]).unpack(run.directory()).unwrap();
        run
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.root.path().join("run/0")
    }

    pub(super) fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        // Without systemd-run, as in a container with another init.
        command.arg(self.directory().join(name)).args(arguments).env("PATH", self.path_without_systemd());
        command
    }

    fn path_without_systemd(&self) -> String {
        let bin = self.root.path().join("bin");
        let _ = std::fs::create_dir(&bin);
        for shim in ["systemd-run", "systemctl"] {
            std::fs::write(bin.join(shim), "#!/bin/sh\nexit 1\n").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(bin.join(shim), mode).unwrap();
        }
        format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
    }

    fn attach(&self, step: u32, offset: u64) -> Vec<Frame> {
        let output =
            self.script("attach.sh", &["unit", &step.to_string(), &offset.to_string()]).output().unwrap();
        frames(&output.stdout)
    }

    /// The script that goes on only when `name` appears beside the run.
    fn gate(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::default();
    reader.push(bytes);
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn output_of(frames: &[Frame], wanted: u32) -> Vec<u8> {
    frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Output { step, bytes } if *step == wanted => Some(bytes.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

pub(super) fn spec(scripts: &[&str]) -> CreationSpec {
    let mut spec = steps::tests::spec();
    spec.scripts = (0..)
        .zip(scripts)
        .map(|(number, content)| Script { name: format!("{number}.sh"), content: (*content).into() })
        .collect();
    spec
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn steps_run_in_order_and_stop_at_the_first_failure() {
    let run =
        Run::unpack(&spec(&["log_info hello; printf 'no line end'", "echo gone >&2; exit 7", "echo never"]));
    let frames = run.attach(0, 0);
    assert_eq!(output_of(&frames, 0), b"\x1b[36m[info]\x1b[0m hello\nno line end");
    assert_eq!(output_of(&frames, 1), b"gone\n");
    let ends: Vec<(u32, i32)> = frames
        .iter()
        .filter_map(
            |frame| if let Frame::Ended { step, code, .. } = frame { Some((*step, *code)) } else { None },
        )
        .collect();
    assert_eq!(ends, [(0, 0), (1, 7)]);
    assert!(!frames.iter().any(|frame| matches!(frame, Frame::Started { step: 2, .. })));
    assert_eq!(frames.last(), Some(&Frame::Finished));
}

fn read_until(child: &mut Child, wanted: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut byte = [0];
    let stdout = child.stdout.as_mut().unwrap();
    while !seen.windows(wanted.len()).any(|window| window == wanted) {
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "the report ended early");
        seen.push(byte[0]);
    }
    seen
}

#[test]
fn whoever_attaches_again_goes_on_at_the_byte_and_nothing_runs_twice() {
    let gate = tempfile::tempdir().unwrap();
    let go = gate.path().join("go");
    let count = gate.path().join("count");
    let script = format!(
        "echo run >>{count}; echo one; echo two; while [ ! -e {go} ]; do sleep 0.05; done; echo three",
        count = count.display(),
        go = go.display()
    );
    let run = Run::unpack(&spec(&[&script]));
    let mut first = run.script("attach.sh", &["unit", "0", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let seen = read_until(&mut first, b"two\n");
    first.kill().unwrap();
    first.wait().unwrap();
    let mut cutter = LineCutter::default();
    let mut lines = cutter.push(&output_of(&frames(&seen), 0));
    std::fs::write(go, "").unwrap();
    let frames = run.attach(0, cutter.offset());
    lines.extend(cutter.push(&output_of(&frames, 0)));
    assert_eq!(lines, ["one", "two", "three"]);
    assert_eq!(std::fs::read_to_string(count).unwrap(), "run\n");
    assert_eq!(run.attach(1, 0), [Frame::Finished]);
}

#[test]
fn secrets_are_told_before_the_output_that_shows_them() {
    let run = Run::unpack(&spec(&["p=$(generate_password 20); echo \"it is $p\""]));
    let frames = run.attach(0, 0);
    let told =
        frames.iter().position(|frame| matches!(frame, Frame::Secrets(values) if values[0].len() == 20));
    let shown = frames.iter().position(|frame| matches!(frame, Frame::Output { .. }));
    assert!(told.unwrap() < shown.unwrap());
}

#[test]
fn a_run_that_was_killed_is_reported_as_cut_off() {
    let run = Run::unpack(&spec(&["echo begun; sleep 600"]));
    let mut follower = run.script("attach.sh", &["unit", "0", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    read_until(&mut follower, b"begun\n");
    assert!(run.script("cancel.sh", &["unit"]).status().unwrap().success());
    let mut rest = Vec::new();
    follower.stdout.as_mut().unwrap().read_to_end(&mut rest).unwrap();
    follower.wait().unwrap();
    assert_eq!(frames(&rest), [Frame::CutOff("gone".into())]);
}

#[test]
fn a_run_that_was_cancelled_before_it_began_never_begins() {
    let run = Run::unpack(&spec(&["echo never"]));
    assert!(run.script("cancel.sh", &["unit"]).status().unwrap().success());
    assert!(run.script("run.sh", &[]).status().unwrap().success());
    assert!(!run.directory().join("steps/00000/log").exists());
}

#[test]
fn ten_megabytes_come_through_whole() {
    let run = Run::unpack(&spec(&["head -c 10000000 /dev/zero | tr '\\0' x"]));
    assert_eq!(output_of(&run.attach(0, 0), 0).len(), 10_000_000);
}

pub(super) fn file(path: &Path, content: &[u8], policy: FilePolicy) -> TemplateFile {
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let owner: Owner = user.trim().parse().unwrap();
    TemplateFile {
        path: path.to_str().unwrap().parse().unwrap(),
        content: content.into(),
        mode: 0o640,
        owner,
        policy,
    }
}

#[test]
fn files_follow_their_policies_byte_for_byte_and_only_once() {
    let target = tempfile::tempdir().unwrap();
    let at = |name: &str| target.path().join(name);
    for name in ["replace", "default", "backup"] {
        std::fs::write(at(name), "old").unwrap();
    }
    let content: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let mut spec = spec(&[]);
    spec.files = vec![
        file(&at("replace"), &content, FilePolicy::Replace),
        file(&at("default"), &content, FilePolicy::Default),
        file(&at("backup"), &content, FilePolicy::Backup),
        file(&at("new dir/it's $(new); \"x\""), &content, FilePolicy::Default),
    ];
    let run = Run::unpack(&spec);
    for _ in 0..2 {
        let output = run.script("apply.sh", &[]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(std::fs::read(at("replace")).unwrap(), content);
    assert_eq!(std::fs::read(at("default")).unwrap(), b"old");
    assert_eq!(std::fs::read(at("backup")).unwrap(), content);
    assert_eq!(std::fs::read(at("new dir/it's $(new); \"x\"")).unwrap(), content);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(at("replace")).unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o640);
    let backups: Vec<_> = std::fs::read_dir(target.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".bak"))
        .collect();
    assert_eq!(backups.len(), 1);
}

#[test]
fn a_link_planted_beside_a_file_is_not_followed() {
    let target = tempfile::tempdir().unwrap();
    let (victim, wanted) = (target.path().join("victim"), target.path().join("wanted"));
    std::fs::write(&victim, "untouched").unwrap();
    std::os::unix::fs::symlink(&victim, target.path().join(".berth-new-00000")).unwrap();
    let mut spec = spec(&[]);
    spec.files = vec![file(&wanted, b"content", FilePolicy::Replace)];
    let output = Run::unpack(&spec).script("apply.sh", &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
    assert_eq!(std::fs::read(&wanted).unwrap(), b"content");
    assert!(!std::fs::symlink_metadata(&wanted).unwrap().is_symlink());
}

#[test]
fn a_directory_in_the_way_is_named() {
    let target = tempfile::tempdir().unwrap();
    let mut spec = spec(&[]);
    spec.files = vec![file(target.path(), b"x", FilePolicy::Replace)];
    let output = Run::unpack(&spec).script("apply.sh", &[]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is a directory in this container"));
}

#[test]
fn a_credential_is_kept_for_root_alone_and_its_value_masked() {
    let run = Run::unpack(&spec(&[]));
    let home = run.gate("credentials");
    let helpers = std::fs::read_to_string(run.directory().join("helpers.sh"))
        .unwrap()
        .replace("/etc/berth/credentials", home.to_str().unwrap());
    std::fs::write(run.directory().join("helpers.sh"), helpers).unwrap();
    let script = ". $BERTH_RUN/helpers.sh; save_credential db user me; save_credential db password first-one
        save_credential db password second-one; save_credential db user me; save_credential ../x y z";
    let status = Command::new("sh")
        .args(["-c", script])
        .env("BERTH_RUN", run.directory())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success(), "a service name is no path");
    assert_eq!(std::fs::read_to_string(home.join("db")).unwrap(), "user=me\npassword=second-one\n");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(home.join("db")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(std::fs::read_to_string(run.directory().join("secrets")).unwrap().contains("second-one"));
    wait_until("the temporary file is gone", || !home.join("db.new").exists());
}

#[test]
fn a_credential_is_one_line_and_on_no_command_line() {
    let run = Run::unpack(&spec(&[]));
    let (home, spied) = (run.gate("credentials"), run.gate("spied"));
    let helpers = run.directory().join("helpers.sh");
    let text = std::fs::read_to_string(&helpers).unwrap();
    std::fs::write(&helpers, text.replace("/etc/berth/credentials", home.to_str().unwrap())).unwrap();
    let path = run.path_without_systemd();
    let (bin, rest) = path.split_once(':').unwrap();
    for program in ["awk", "cat", "cmp", "cp", "grep", "mkdir", "mv", "sed"] {
        let spy = Path::new(bin).join(program);
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >>{}\nPATH={rest} exec {program} \"$@\"\n",
            spied.display()
        );
        std::fs::write(&spy, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&spy, mode).unwrap();
    }
    let save = |key: &str, value: &str| {
        let script = ". $BERTH_RUN/helpers.sh; save_credential db \"$KEY\" \"$VALUE\"";
        let mut saving = Command::new("sh");
        saving.args(["-c", script]).env("BERTH_RUN", run.directory()).env("PATH", &path);
        saving.env("KEY", key).env("VALUE", value).stdout(Stdio::null()).status().unwrap().success()
    };
    assert!(save("password", "correct-horse") && save("password", "correct-horse"));
    assert!(save("other", "battery-staple") && save("password", "correct-horse"));
    assert!(!save("third", "two\nlines"), "what follows the line break would be a line of its own");
    let kept = std::fs::read_to_string(home.join("db")).unwrap();
    assert_eq!(kept, "password=correct-horse\nother=battery-staple\n", "saved again it changes nothing");
    let spied = std::fs::read_to_string(spied).unwrap();
    assert!(spied.contains("db") && !spied.contains("horse") && !spied.contains("staple"), "{spied}");
}

#[test]
fn a_credential_is_made_once_and_masked_each_time() {
    let run = Run::unpack(&spec(&[]));
    let home = run.gate("credentials");
    let helpers = run.directory().join("helpers.sh");
    let text = std::fs::read_to_string(&helpers).unwrap();
    std::fs::write(&helpers, text.replace("/etc/berth/credentials", home.to_str().unwrap())).unwrap();
    let ensure = || {
        let _ = std::fs::remove_file(run.directory().join("secrets"));
        let script = ". $BERTH_RUN/helpers.sh; set -eu; ensure_credential db password 12";
        let made =
            Command::new("sh").args(["-c", script]).env("BERTH_RUN", run.directory()).output().unwrap();
        let masked = std::fs::read_to_string(run.directory().join("secrets")).unwrap();
        let password = String::from_utf8(made.stdout).unwrap();
        assert!(masked.lines().any(|line| line == password.trim()), "{masked}");
        password
    };
    let password = ensure();
    assert_eq!(password.trim().len(), 12);
    assert_eq!(ensure(), password);
    assert_eq!(std::fs::read_to_string(home.join("db")).unwrap(), format!("password={password}"));
}

#[test]
fn a_command_is_tried_until_it_succeeds_or_the_tries_are_used_up() {
    let run = Run::unpack(&spec(&[
        "set -eu; try() { echo tried; [ -e done ]; }; cd \"$BERTH_RUN\"; if wait_until 1 try; then exit 9; fi; : >done; wait_until 3 try",
    ]));
    let frames = run.attach(0, 0);
    assert_eq!(output_of(&frames, 0), b"tried\ntried\n");
    assert!(frames.iter().any(|frame| matches!(frame, Frame::Ended { code: 0, .. })));
}

#[test]
fn a_file_whose_owner_does_not_exist_yet_is_not_forgotten() {
    let target = tempfile::tempdir().unwrap();
    let path = target.path().join("theirs");
    let mut spec = spec(&["true"]);
    spec.files = vec![TemplateFile {
        owner: "berth-nobody-yet".parse().unwrap(),
        ..file(&path, b"x", FilePolicy::Replace)
    }];
    let run = Run::unpack(&spec);
    assert!(run.script("apply.sh", &[]).status().unwrap().success());
    let output = String::from_utf8(output_of(&run.attach(0, 0), 0)).unwrap();
    assert!(output.contains("stays with root"), "{output}");
    let waiting = std::fs::read_to_string(run.directory().join("../deferred")).unwrap();
    assert_eq!(waiting, "00000 0640 berth-nobody-yet\n");
}
