//! What is stored arrives byte for byte, whatever it is called, and the host runs our commands and no others.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use berth_domain::container_template::FilePath;
use berth_domain::creation::{CreationState, Phase, ProgressEvent, StepState};
use berth_operations::creation;
use berth_proxmox::Command;
use berth_testkit::{TemplateFolder, TestApp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const VMID: u32 = 310;
const FILES: usize = 40;
/// The file that cannot be put in place at first; those before it are, those after it are not.
const OBSTACLE: usize = 15;
const PROBE: &str = include_str!("../../../operations/src/creation/guest/probe.sh");
const DISCOVER: &str = include_str!("../../../operations/src/services/guest/discover.sh");
/// Made by whoever takes a name or a content for a command.
const CANARY: &str = "berth-was-here";

fn hostile() -> Vec<String> {
    let commands = [
        format!("; touch ${{HOME}}{CANARY} #"),
        format!("$(touch {CANARY})"),
        format!("`touch {CANARY}`"),
        format!("'; touch {CANARY}; '"),
        format!("\"; touch {CANARY}; \""),
        format!("x && touch {CANARY}"),
    ];
    let words = [
        "; rm -rf ~",
        "-rf",
        "--",
        "'",
        "\"",
        "'\\''",
        "\\",
        "*",
        "~",
        " ",
        "a  b ",
        "%s",
        "!!",
        "ü€🦀",
        "${IFS}",
        "&",
        "|",
        "\u{202e}x",
    ];
    commands.into_iter().chain(words.map(str::to_owned)).chain(["n".repeat(255), "ü".repeat(127)]).collect()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(hostile()), "[^/\\p{Cc}]{1,60}"]
        .prop_filter("a name that a file can have", |name| format!("/{name}").parse::<FilePath>().is_ok())
}

/// What stands at a file's place when the second attempt comes to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nothing,
    File,
    Link,
}

#[derive(Clone, Debug)]
struct Planned {
    names: Vec<String>,
    content: Vec<u8>,
    mode: u32,
    policy: &'static str,
    before: Before,
    owner: &'static str,
}

fn planned() -> impl Strategy<Value = Planned> {
    let content = prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 1..2000),
        Just(format!("$(touch /{CANARY})\n").into_bytes())
    ];
    // Only a real root can give a file away.
    let owners = if is_root() { vec!["root:root", "0:0", "1234:4321"] } else { vec!["root:root"] };
    (
        vec(name(), 1..3),
        content,
        0..=0o7777_u32,
        proptest::sample::select(vec!["replace", "default", "backup"]),
        proptest::sample::select(vec![Before::Nothing, Before::File, Before::Link]),
        proptest::sample::select(owners),
    )
        .prop_map(|(names, content, mode, policy, before, owner)| Planned {
            names,
            content,
            mode,
            policy,
            before,
            owner,
        })
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

impl Planned {
    /// Its path without the slash at the beginning; each file has a folder of its own.
    fn place(&self, number: usize) -> String {
        if number == OBSTACLE { "opt".into() } else { format!("srv/{number}/{}", self.names.join("/")) }
    }

    /// As `docs/container-templates.md` describes it. The names in a container template's folder are foreign, too.
    fn write(&self, folder: &Path, number: usize) {
        let end = self.names[0].floor_char_boundary(200);
        let file = folder.join(format!("files/{number:03}{}.conf", &self.names[0][..end]));
        let beside = |ending: &str, content: &str| {
            std::fs::write(format!("{}.{ending}", file.display()), content).unwrap();
        };
        std::fs::write(&file, &self.content).unwrap();
        beside("path", &format!("/{}\n", self.place(number)));
        beside("mode", &format!("{:04o}", self.mode));
        beside("owner", self.owner);
        beside("policy", self.policy);
    }

    fn prepare(&self, root: &Path, number: usize) {
        let path = root.join(self.place(number));
        if self.before == Before::Nothing || number == OBSTACLE {
            return;
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match self.before {
            Before::File => std::fs::write(&path, "what was there").unwrap(),
            _ => symlink("/etc/passwd", &path).unwrap(),
        }
    }

    fn check(&self, root: &Path, number: usize) {
        let path = root.join(self.place(number));
        let metadata = path.symlink_metadata().unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let kept = number > OBSTACLE && self.before != Before::Nothing;
        if kept && self.policy == "default" {
            assert_eq!(metadata.is_symlink(), self.before == Before::Link, "{self:?}");
            return;
        }
        assert!(metadata.is_file(), "{self:?}");
        assert_eq!(metadata.permissions().mode() & 0o7777, self.mode, "{self:?}");
        if is_root() {
            let owner = if self.owner == "1234:4321" { (1234, 4321) } else { (0, 0) };
            assert_eq!((metadata.uid(), metadata.gid()), owner, "{self:?}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(std::fs::read(&path).unwrap() == self.content, "{self:?}");
        let backups = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().as_bytes().ends_with(b".bak"));
        assert_eq!(backups.count(), usize::from(kept && self.policy == "backup"), "{self:?}");
    }
}

/// Tells what it is, byte for byte, and then goes on in a way that would be seen if it were run.
fn script(rest: &str) -> String {
    format!("sha256sum \"$BERTH_RUN\"/steps/*/script | cut -d' ' -f1; exit 0\n{rest}\n")
}

fn write_all(folder: &Path, files: &[Planned], scripts: &[(String, String)]) {
    for part in ["files", "scripts", "packages"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    for (number, file) in files.iter().enumerate() {
        file.write(folder, number);
    }
    for (file, content) in scripts {
        std::fs::write(folder.join(file), content).unwrap();
    }
    std::fs::write(folder.join("packages/web.apt"), "nginx\ncurl\n").unwrap();
}

/// The commands that the host's shell was given, each as what it does, in order. Fails for one that is not ours, word by word.
fn host_commands(calls: &[Value], directory: &str) -> Vec<&'static str> {
    let of_kind = |kind: &str| calls.iter().filter(|call| call["kind"] == kind).cloned().collect::<Vec<_>>();
    let (lines, pct) = (of_kind("exec"), of_kind("pct"));
    assert_eq!(lines.len(), pct.len(), "each line that the host's shell was given is one call of pct");
    let mut commands = Vec::new();
    for (line, call) in lines.iter().zip(&pct) {
        let words: Vec<&str> =
            call["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        // What pct was told after the shell has read the line is all that the line says.
        assert_eq!(line["what"], Command::new("pct").args(words.iter().copied()).to_line().unwrap());
        commands.push(purpose(&words, directory));
    }
    commands
}

fn purpose(words: &[&str], directory: &str) -> &'static str {
    let vmid = VMID.to_string();
    assert_eq!(words[..7], ["exec", &vmid, "--keep-env", "0", "--", "sh", "-c"], "{words:?}");
    assert!(words[7].starts_with("m=$1; shift") && words[8] == "sh", "{words:?}");
    match words[10..] {
        ["sh", "-c", PROBE, "berth", "1"] => "probe",
        ["sh", "-c", script, "berth", at] if script.starts_with("[ ! -e \"$1/whole\" ]") => {
            assert!(at.starts_with(directory), "{at}");
            "unpack"
        }
        ["sh", script, unit, step, offset] => {
            assert_eq!(script, format!("{directory}/1/attach.sh"));
            assert!(unit.starts_with("berth-"), "{unit}");
            assert!([step, offset].iter().all(|number| number.parse::<u64>().is_ok()), "{words:?}");
            "attach"
        }
        ["sh", "-c", DISCOVER, "berth"] => "discover",
        _ => panic!("this is no command of ours: {words:?}"),
    }
}

#[tokio::test]
async fn what_is_stored_arrives_and_the_host_runs_nothing_else() {
    let mut runner = TestRunner::default();
    let mut files = vec(planned(), FILES).new_tree(&mut runner).unwrap().current();
    // The largest that a file may be, and something to see that what is done is not done again.
    files[OBSTACLE + 1] = Planned {
        content: (0..=255).cycle().take(5 << 20).collect(),
        before: Before::Nothing,
        ..files[0].clone()
    };
    files[0].mode = 0o600;
    let rest = proptest::sample::select(hostile()).new_tree(&mut runner).unwrap().current();
    let largest = "# ü\n".repeat(1 << 17);
    let scripts = [
        ("packages/tool-1.0_x+y.custom", script(&format!("touch /{CANARY} {rest}"))),
        ("scripts/10-a.sh", script(&rest)),
        ("scripts/20-larger.sh", script(&largest)),
        ("scripts/20-no-line-end.sh", script(&format!("touch /{CANARY}")).trim_end().to_owned()),
    ]
    .map(|(file, content)| (file.to_owned(), content));
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    let folder = TemplateFolder::new("faithful");
    write_all(&app.templates().join("faithful"), &files, &scripts);
    app.simulator.forget_calls().await;
    let id = app.submit(owner, &folder, VMID).await;

    let failed = app.ended(owner, id).await;
    assert_eq!((failed.state, failed.phase), (CreationState::Failed, Phase::Deploying), "{:?}", failed.error);
    let message = failed.error.unwrap();
    assert!(message.contains("cannot put a file at /opt: it is a directory"), "{message}");
    let root = app.simulator.container_root(VMID);
    for (number, file) in files.iter().enumerate() {
        let there = root.join(file.place(number)).symlink_metadata().is_ok();
        assert_eq!(there, number <= OBSTACLE, "{number} {file:?}");
    }
    let edited = root.join(files[0].place(0));
    std::fs::write(&edited, "edited since").unwrap();
    std::fs::remove_dir(root.join("opt")).unwrap();
    for (number, file) in files.iter().enumerate().skip(OBSTACLE) {
        file.prepare(&root, number);
    }
    creation::retry(&app.ctx, owner.user, id).await.unwrap();
    app.ready(owner, id).await;

    assert_eq!(std::fs::read(&edited).unwrap(), b"edited since");
    for (number, file) in files.iter().enumerate().skip(1) {
        file.check(&root, number);
    }
    let passwd = std::fs::read_to_string(root.join("etc/passwd")).unwrap();
    assert!(passwd.starts_with("root:"), "what a link led to is untouched");
    check_scripts(&app, id, &scripts).await;

    let directory = format!("/var/lib/berth/runs/{id}");
    let commands = host_commands(&app.simulator.calls().await, &directory);
    // A retry makes sure once more, before it runs anything, that all of it is there.
    assert_eq!(commands, ["probe", "unpack", "probe", "unpack", "unpack", "attach", "discover"]);
    let canary = format!("find / -xdev -name '{CANARY}*' ! -path '/proc/*' 2>/dev/null; true");
    assert_eq!(app.simulator.root_shell(0, &canary).await, "", "made on the host");
    // Files of ours may be called so; one that a command has made is where a command would make it.
    let made: Vec<PathBuf> =
        ["", "root", "root/root", "srv"].iter().map(|place| root.join(place).join(CANARY)).collect();
    assert!(made.iter().all(|path| !path.exists()), "made in the container");
}

/// Steps in their order, each with all scripts as they are stored.
async fn check_scripts(app: &TestApp, id: berth_domain::CreationId, scripts: &[(String, String)]) {
    let events = app.events(id).await;
    let done: Vec<&str> = events
        .iter()
        .filter_map(|(_, event)| match event {
            ProgressEvent::Step { name, state: StepState::Done, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        done,
        ["apt: nginx, curl", "custom: tool-1.0_x+y", "10-a.sh", "20-larger.sh", "20-no-line-end.sh"]
    );
    let sum = |content: &str| {
        Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    };
    let expected: Vec<String> = scripts.iter().map(|(_, content)| sum(content)).collect();
    for step in 1..=4 {
        let printed = app.printed(id, step).await;
        // The first is the packages' own script.
        assert_eq!(printed[1..], expected, "step {step}");
    }
}
