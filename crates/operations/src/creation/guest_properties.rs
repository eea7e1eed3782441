//! Whatever a container template holds arrives as it is stored: our scripts for containers, run by this machine's own shell.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use berth_domain::container_template::{FilePath, FilePolicy, Script, TemplateFile};
use berth_domain::package::{Package, PackageManager};
use proptest::collection::vec;
use proptest::prelude::*;

use super::guest_tests::{Run, file, spec};
use super::{bundle, steps};

/// Names that mean something to a shell, to a program or to nobody.
fn name() -> impl Strategy<Value = String> {
    let hostile = [
        "; rm -rf /",
        "$(reboot)",
        "`reboot`",
        "'",
        "\"",
        "'\"'\\''",
        "-rf",
        "--",
        "*",
        "?",
        "~",
        "#x",
        "a b",
        " ",
        "\\",
        "\\n",
        "%s%n",
        "!!",
        "&",
        "|",
        "<",
        ">",
        "ü€🦀",
        "\u{202e}gpj",
        ".berth-new-00000",
        "$HOME",
        "${IFS}",
        "=",
    ];
    let longest = prop_oneof!["[a-z;$ ]{255}", Just("ü".repeat(127) + "x")];
    prop_oneof![
        4 => proptest::sample::select(hostile.to_vec()).prop_map(str::to_owned),
        4 => "[^/\\p{Cc}]{1,40}",
        1 => longest,
    ]
    .prop_filter("a name that a file can have", |name| format!("/{name}").parse::<FilePath>().is_ok())
}

fn policy() -> impl Strategy<Value = FilePolicy> {
    proptest::sample::select(vec![FilePolicy::Replace, FilePolicy::Default, FilePolicy::Backup])
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), vec(any::<u8>(), 0..300), Just(b"\0\r\n\xff".repeat(20_000))]
}

/// What stands at a file's place before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nothing,
    Another,
    Same,
    Link,
    DanglingLink,
}

fn before() -> impl Strategy<Value = Before> {
    use Before::{Another, DanglingLink, Link, Nothing, Same};
    proptest::sample::select(vec![Nothing, Another, Same, Link, DanglingLink])
}

#[derive(Clone, Debug)]
struct Case {
    names: Vec<String>,
    content: Vec<u8>,
    mode: u32,
    policy: FilePolicy,
    before: Before,
}

fn case() -> impl Strategy<Value = Case> {
    (vec(name(), 1..3), content(), 0..=0o7777_u32, policy(), before())
        .prop_map(|(names, content, mode, policy, before)| Case { names, content, mode, policy, before })
}

impl Case {
    /// Its place in a folder of its own, with what stands there before.
    fn prepare(&self, folder: &Path) -> TemplateFile {
        let path = self.names.iter().fold(folder.to_owned(), |path, name| path.join(name));
        if self.before != Before::Nothing {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.with_extension("victim"), "untouched").unwrap();
        match self.before {
            Before::Nothing => {}
            Before::Another => std::fs::write(&path, "what was there").unwrap(),
            Before::Same => std::fs::write(&path, &self.content).unwrap(),
            Before::Link => symlink(folder.with_extension("victim"), &path).unwrap(),
            Before::DanglingLink => symlink(folder.with_extension("nowhere"), &path).unwrap(),
        }
        TemplateFile { mode: self.mode, ..file(&path, &self.content, self.policy) }
    }

    fn check(&self, folder: &Path, file: &TemplateFile) {
        let path = Path::new(file.path.as_str());
        assert_eq!(std::fs::read(folder.with_extension("victim")).unwrap(), b"untouched", "{self:?}");
        assert!(!folder.with_extension("nowhere").exists(), "{self:?}");
        let old = [Before::Another, Before::Link, Before::DanglingLink].contains(&self.before);
        let backups = backups(path.parent().unwrap());
        if self.policy == FilePolicy::Default && self.before != Before::Nothing {
            let is_link = path.symlink_metadata().unwrap().is_symlink();
            assert_eq!(is_link, [Before::Link, Before::DanglingLink].contains(&self.before), "{self:?}");
            assert!(
                self.before != Before::Another || std::fs::read(path).unwrap() == b"what was there",
                "{self:?}"
            );
            assert!(backups.is_empty(), "{self:?}");
            return;
        }
        let metadata = path.symlink_metadata().unwrap();
        assert!(metadata.is_file(), "{self:?}");
        assert_eq!(metadata.permissions().mode() & 0o7777, self.mode, "{self:?}");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), self.content, "{self:?}");
        std::fs::set_permissions(path, metadata.permissions()).unwrap();
        assert_eq!(
            backups.len(),
            usize::from(self.policy == FilePolicy::Backup && old),
            "{self:?}: {backups:?}"
        );
        if let (Some(kept), Before::Another) = (backups.first(), self.before) {
            assert_eq!(std::fs::read(kept).unwrap(), b"what was there", "{self:?}");
        }
        if let (Some(kept), Before::Link | Before::DanglingLink) = (backups.first(), self.before) {
            assert!(kept.symlink_metadata().unwrap().is_symlink(), "{self:?}");
        }
    }
}

fn backups(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().ends_with(".bak")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 100, ..ProptestConfig::with_cases(10) })]
    #[test]
    fn files_arrive_whatever_they_are_called_and_whatever_stands_there(cases in vec(case(), 1..10)) {
        let target = tempfile::tempdir().unwrap();
        let folder = |number: usize| target.path().join(number.to_string());
        let mut spec = spec(&[]);
        spec.files = cases.iter().enumerate().map(|(number, case)| case.prepare(&folder(number))).collect();
        let run = Run::unpack(&spec);
        // A second attempt finds the work done and does not do it again.
        for _ in 0..2 {
            let output = run.script("apply.sh", &[]).output().unwrap();
            prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            for (number, (case, file)) in cases.iter().zip(&spec.files).enumerate() {
                case.check(&folder(number), file);
            }
        }
        let entries = std::fs::read_dir(target.path()).unwrap().count();
        prop_assert!(entries <= 2 * cases.len(), "nothing is written beside");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn a_bundle_holds_what_was_put_into_it(
        files in vec((name(), content(), 0..=0o7777_u32, policy()), 0..5),
        scripts in vec((".{0,60}", "[^\\x00]{0,300}"), 0..5),
    ) {
        let mut spec = spec(&[]);
        spec.files = files
            .into_iter()
            .map(|(name, content, mode, policy)| TemplateFile { mode, ..file(&Path::new("/srv").join(name), &content, policy) })
            .collect();
        spec.scripts = scripts.into_iter().map(|(name, content)| Script { name, content }).collect();
        spec.installers = spec.scripts.clone();
        let steps = steps::plan(&spec);
        prop_assert_eq!(steps.len(), 2 * spec.scripts.len());
        let archive = bundle::pack(&spec.files, &steps).unwrap();
        let mut found = std::collections::BTreeMap::new();
        for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            prop_assert!(found.insert(path, content).is_none());
        }
        for (number, file) in spec.files.iter().enumerate() {
            prop_assert_eq!(&found[&format!("files/{number:05}")], &file.content);
            prop_assert_eq!(&found[&format!("files/{number:05}.path")], file.path.as_str().as_bytes());
        }
        for (number, script) in spec.installers.iter().chain(&spec.scripts).enumerate() {
            prop_assert_eq!(&found[&format!("steps/{number:05}/script")], script.content.as_bytes());
        }
        let ours = ["helpers", "apply", "step", "run", "attach", "cancel"].map(|name| format!("{name}.sh"));
        let is_expected = |name: &String| {
            ours.contains(name) || name == "files/manifest" || name.starts_with("files/0") || name.starts_with("steps/0")
        };
        prop_assert!(found.keys().all(is_expected));
    }
}

/// Runs a step with package managers that only note what they are told; answers it, word by word.
fn told(spec: &berth_domain::creation::CreationSpec) -> Vec<Vec<String>> {
    let run = Run::unpack(spec);
    let bin = tempfile::tempdir().unwrap();
    let noted = bin.path().join("noted");
    for manager in ["apt-get", "apk", "dnf", "pacman", "npm", "pip3"] {
        let note = "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done >>\"$NOTED\"; printf '\\n\\0' >>\"$NOTED\"\n";
        std::fs::write(bin.path().join(manager), note).unwrap();
        std::fs::set_permissions(bin.path().join(manager), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    for step in std::fs::read_dir(run.directory().join("steps")).unwrap() {
        let mut step_script = Command::new("sh");
        step_script.arg(run.directory().join("step.sh")).arg(step.unwrap().path().join("script"));
        step_script.env("PATH", &path).env("NOTED", &noted).env("BERTH_RUN", run.directory());
        let output = step_script.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let noted = String::from_utf8(std::fs::read(noted).unwrap()).unwrap();
    noted.split("\n\0").map(|words| words.split_terminator('\0').map(str::to_owned).collect()).collect()
}

fn arguments_after_dashes(words: &[String]) -> Option<Vec<String>> {
    words.iter().position(|word| word == "--").map(|position| words[position + 1..].to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 50, ..ProptestConfig::with_cases(12) })]
    #[test]
    fn a_package_manager_is_told_the_packages_and_nothing_else(
        manager in proptest::sample::select(PackageManager::ALL.to_vec()),
        lines in vec(prop_oneof!["[a-z0-9][a-z0-9+.-]{1,30}(=[0-9][0-9a-z.+~:-]{0,10})?", "\\PC{1,20}", "@[a-z]{1,5}/[a-z]{1,5}", Just("-rf".to_owned())], 1..20),
    ) {
        let mut spec = spec(&[]);
        spec.packages = lines.iter().filter_map(|line| Package::parse(manager, line).ok()).collect();
        if !spec.packages.is_empty() {
            let expected: Vec<String> = spec.packages.iter().map(Package::argument).collect();
            let installed: Vec<_> = told(&spec).iter().filter_map(|words| arguments_after_dashes(words)).collect();
            prop_assert_eq!(installed, vec![expected]);
        }
    }
}

#[test]
fn five_hundred_packages_with_names_as_long_as_they_may_be_are_one_call() {
    let mut spec = spec(&[]);
    let package = |number: usize| {
        Package::new(PackageManager::Apt, &format!("{number:03}{}", "x".repeat(211)), None).unwrap()
    };
    spec.packages = (0..500).map(package).collect();
    let installed: Vec<_> = told(&spec).iter().filter_map(|words| arguments_after_dashes(words)).collect();
    assert_eq!(installed.iter().map(Vec::len).collect::<Vec<_>>(), [500]);
    assert!(steps::plan(&spec)[0].name.ends_with(" and 480 more"));
}

#[test]
fn what_is_no_regular_file_is_not_replaced() {
    let target = tempfile::tempdir().unwrap();
    let pipe = target.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for policy in [FilePolicy::Replace, FilePolicy::Backup, FilePolicy::Default] {
        let mut spec = spec(&[]);
        spec.files = vec![file(&pipe, b"x", policy)];
        let output = Run::unpack(&spec).script("apply.sh", &[]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains("no regular file"), "{message}");
    }
}
