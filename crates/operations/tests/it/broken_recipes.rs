//! A folder of 200 container templates, 20 of them broken, each in a way of its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use berth_domain::UserId;
use berth_operations::container_templates::{discover, list};
use berth_operations::{Context, Settings};
use berth_store::PgPool;

use crate::support::context;

const GOOD: usize = 180;

/// A broken container template: its files, and what the report has to say of it, in its order.
type Broken = (&'static str, &'static [(&'static str, &'static [u8])], &'static [&'static str]);

const BROKEN: [Broken; 20] = [
    (
        "binary",
        &[("scripts/10-nul.sh", b"echo\n\necho \0\n"), ("scripts/20-latin.sh", b"echo\n\xe4\n")],
        &["binary/scripts/10-nul.sh:3: holds a NUL character", "binary/scripts/20-latin.sh:2: is not UTF-8"],
    ),
    (
        "conf-lines",
        &[("template.conf", b"TITLE=x\n# fine\nCOLOUR=red\nCORES=many\n\nTITLE=y\nnonsense\n")],
        &[
            "conf-lines/template.conf:3: unknown key COLOUR",
            "conf-lines/template.conf:4: CORES is a whole number",
            "conf-lines/template.conf:6: TITLE is given twice",
            "conf-lines/template.conf:7: write KEY=VALUE",
        ],
    ),
    ("conf-missing", &[("template.conf", b"")], &["conf-missing/template.conf: TITLE is missing"]),
    (
        "crlf",
        &[("scripts/10-a.sh", b"true\necho a\r\n")],
        &["crlf/scripts/10-a.sh:2: ends in a carriage return"],
    ),
    ("dangling", &[], &["dangling/scripts/10-a.sh: cannot be read: it is a link to nothing"]),
    (
        "deep",
        &[("10-a.sh", b""), ("script/10-a.sh", b""), ("scripts/more/10-a.sh", b"")],
        &[
            "deep/10-a.sh: is not read here",
            "deep/script: is not read",
            "deep/scripts/more: is a folder and not read",
        ],
    ),
    ("huge", &[("files/image.path", b"/srv/image")], &["huge/files/image: is larger than 5 MiB"]),
    ("huge-script", &[], &["huge-script/scripts/10-a.sh: is larger than 1 MiB"]),
    (
        "installer",
        &[("packages/$(id).custom", b""), ("packages/tool.custom", b"\xff\xfe")],
        &[
            "installer/packages/$(id).custom: an installer is named by",
            "installer/packages/tool.custom:1: is not UTF-8",
        ],
    ),
    ("link-file", &[], &["link-file/files/secret: is a link that leads out"]),
    ("link-folder", &[], &["link-folder/scripts: is a link that leads out"]),
    ("link-sidecar", &[("files/a", b"")], &["link-sidecar/files/a.path: is a link that leads out"]),
    (
        "lonely",
        &[
            ("files/a.path", b"/a"),
            ("files/b", b""),
            ("files/c", b""),
            ("files/c.path", b"/c"),
            ("files/d", b""),
            ("files/d.path", b"/c\n"),
        ],
        &[
            "lonely/files/a.path: there is no a beside it",
            "lonely/files/b: there is no files/b.path",
            "lonely/files/d.path:1: c goes to the same place",
        ],
    ),
    (
        "manager",
        &[("packages/web.brew", b"nginx")],
        &["manager/packages/web.brew: a list of packages ends in"],
    ),
    ("order", &[("scripts/install.sh", b"")], &["order/scripts/install.sh: a script is named by two digits"]),
    (
        "package",
        &[("packages/web.apt", b"nginx\n# more\ncurl; reboot\n--reinstall\n")],
        &[
            "package/packages/web.apt:3: \"curl; reboot\" is not a package name",
            "package/packages/web.apt:4: \"--reinstall\" is not a package name",
        ],
    ),
    (
        "pipe",
        &[],
        &[
            "pipe/scripts/10-pipe.sh: is not a regular file",
            "pipe/scripts/20-socket.sh: is not a regular file",
        ],
    ),
    (
        "sidecars",
        &[
            ("files/a", b""),
            ("files/a.path", b"/etc/../shadow"),
            ("files/b", b""),
            ("files/b.path", b"/b"),
            ("files/b.mode", b"rwx"),
            ("files/b.owner", b"$(id)"),
            ("files/b.policy", b"keep"),
        ],
        &[
            "sidecars/files/a.path:1: the path must be absolute",
            "sidecars/files/b.mode:1: the mode must be",
            "sidecars/files/b.owner:1: the owner must be",
            "sidecars/files/b.policy:1: the policy must be",
        ],
    ),
    ("unnameable", &[], &["unnameable/files/\u{fffd}.conf: has a name that is not UTF-8"]),
    ("Web; $(reboot)\n", &[], &["Web; $(reboot)\\n: a folder's name has lower-case letters"]),
];

fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (file, content) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

fn fill(root: &Path) {
    for number in 0..GOOD {
        let conf = format!("TITLE=Number {number}\nTAGS=test\nMEMORY=512\n");
        let files: [(&str, &[u8]); 6] = [
            ("template.conf", conf.as_bytes()),
            ("packages/a.apt", b"nginx\ncurl\n"),
            ("packages/tool.custom", b"true\n"),
            ("scripts/10-a.sh", b"log_info hello\n"),
            ("files/a", b"\0\xff"),
            ("files/a.path", b"/etc/a"),
        ];
        write(&root.join(format!("good-{number:03}")), &files);
    }
    for (name, files, _) in BROKEN {
        let folder = root.join(name);
        for part in ["packages", "scripts", "files"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        write(&folder, &[("template.conf", b"TITLE=x")]);
        write(&folder, files);
    }
}

/// What cannot be written as a name and its content.
fn fill_specials(root: &Path, outside: &Path) {
    let sparse = |file: &str, size| std::fs::File::create(root.join(file)).unwrap().set_len(size).unwrap();
    sparse("huge/files/image", 50 << 20);
    sparse("huge-script/scripts/10-a.sh", (1 << 20) + 1);
    write(outside, &[("10-secret.sh", b"TITLE=secret")]);
    let secret = outside.join("10-secret.sh");
    symlink(outside.join("nothing"), root.join("dangling/scripts/10-a.sh")).unwrap();
    symlink(&secret, root.join("link-file/files/secret")).unwrap();
    write(root, &[("link-file/files/secret.path", b"/secret")]);
    std::fs::remove_dir(root.join("link-folder/scripts")).unwrap();
    symlink(outside, root.join("link-folder/scripts")).unwrap();
    symlink(&secret, root.join("link-sidecar/files/a.path")).unwrap();
    let pipe = root.join("pipe/scripts/10-pipe.sh");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    drop(UnixListener::bind(root.join("pipe/scripts/20-socket.sh")).unwrap());
    std::fs::write(root.join("unnameable/files").join(OsStr::from_bytes(b"\xff.conf")), "").unwrap();
}

async fn prepared(pg: PgPool) -> (Context, tempfile::TempDir) {
    // Short, since a socket's path holds 107 bytes.
    let dir = tempfile::Builder::new().prefix("berth-test-").tempdir_in("/tmp").unwrap();
    let root = dir.path().join("root");
    fill(&root);
    fill_specials(&root, &dir.path().join("outside"));
    let settings = Settings { container_templates: root, ..Settings::default() };
    (context(pg, settings).await, dir)
}

/// Mebibytes of memory, as `/proc/self/status` has it.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_of_20_broken_ones_is_named_and_the_other_180_are_in(pg: PgPool) {
    let (ctx, dir) = prepared(pg).await;
    let (began, before) = (Instant::now(), memory("VmRSS:"));
    let report = discover(&ctx).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    assert!(memory("VmHWM:") < before + 100, "what is too large is not read into memory");

    let mut expected: Vec<(&str, &str)> = BROKEN
        .iter()
        .flat_map(|(name, _, problems)| problems.iter().map(move |problem| (*name, *problem)))
        .collect();
    expected.sort_by_key(|(name, _)| *name);
    let found: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (_, expected)) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found:?} should begin with {expected:?}");
    }
    assert!(!found.iter().any(|problem| problem.contains("10-secret")), "nothing outside is listed");
    assert_eq!((report.added.len(), report.changed.len(), report.removed.len()), (GOOD, 0, 0));
    let names: Vec<String> =
        list(&ctx, UserId::new()).await.unwrap().into_iter().map(|recipe| recipe.name).collect();
    assert_eq!(names.len(), GOOD);
    assert!(names.iter().all(|name| name.starts_with("good-")));

    // Repaired, it is in; broken, what was read before stays.
    std::fs::write(dir.path().join("root/conf-missing/template.conf"), "TITLE=repaired").unwrap();
    std::fs::write(dir.path().join("root/good-007/template.conf"), "TITLE=").unwrap();
    let report = discover(&ctx).await.unwrap();
    assert_eq!((report.added, report.kept), (vec!["conf-missing".to_owned()], vec!["good-007".to_owned()]));
    assert_eq!((report.same, report.changed.len(), report.removed.len()), (GOOD - 1, 0, 0));
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_at_once_do_no_harm(pg: PgPool) {
    let (ctx, _dir) = prepared(pg).await;
    let (one, other) = tokio::join!(discover(&ctx), discover(&ctx));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.added.len() + other.added.len(), one.same + other.same), (GOOD, GOOD));
    assert_eq!((one.removed.len(), other.removed.len()), (0, 0));
    assert_eq!(one.problems, other.problems);
    assert_eq!(list(&ctx, UserId::new()).await.unwrap().len(), GOOD);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_link_in_place_of_a_folder_is_told_and_not_followed(pg: PgPool) {
    let (ctx, dir) = prepared(pg).await;
    assert_eq!(discover(&ctx).await.unwrap().added.len(), GOOD);
    let root = dir.path().join("root");
    std::fs::rename(root.join("good-000"), dir.path().join("elsewhere")).unwrap();
    symlink(dir.path().join("elsewhere"), root.join("good-000")).unwrap();
    let report = discover(&ctx).await.unwrap();
    assert_eq!((report.kept, report.removed.len()), (vec!["good-000".to_owned()], 0));
    assert_eq!(
        report.problems[0].to_string(),
        "good-000: is a link, which is not followed: put the folder itself here"
    );
}
