use std::path::Path;

use berth_domain::container_template::{ContainerTemplate, FilePolicy};
use berth_domain::package::Package;

use super::discover::read_one;
use super::*;

#[derive(Default)]
struct Found {
    read: Vec<ContainerTemplate>,
    broken: Vec<String>,
    problems: Vec<Problem>,
}

/// All that is below `root`, as `discover` reads it.
fn read_all(root: &Path) -> Found {
    let listing = folder::list(&root.canonicalize().unwrap()).unwrap();
    let mut found = Found { broken: listing.broken, problems: listing.problems, ..Found::default() };
    for (name, path) in listing.folders {
        let (recipe, problems) = read_one(name.clone(), path);
        found.problems.extend(problems);
        match recipe {
            Some(recipe) => found.read.push(recipe),
            None => found.broken.push(name),
        }
    }
    found
}

/// A folder of container templates with these files in it.
fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    dir
}

fn problems(files: &[(&str, &[u8])]) -> Vec<String> {
    let dir = tree(files);
    read_all(dir.path()).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_ones_that_ship_are_read_without_a_problem() {
    let found = read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../container-templates"));
    assert_eq!(found.problems, []);
    let nginx = found.read.iter().find(|recipe| recipe.name == "nginx").unwrap();
    assert_eq!((nginx.title.as_str(), nginx.defaults.memory), ("nginx", Some(512)));
    assert!(!nginx.scripts.is_empty() && !nginx.packages.is_empty() && !nginx.files.is_empty());
    assert!(
        found.read.iter().any(|recipe| recipe.name == "docker-host" && recipe.defaults.keyctl == Some(true))
    );
}

#[test]
fn everything_in_a_folder_is_read() {
    let dir = tree(&[
        ("web/template.conf", b"# comment\nTITLE = Web = good\nTAGS=a, b\nSWAP=0\nNESTING=no\n\n"),
        ("web/README.md", b"x"),
        ("web/packages/web.apt", b"nginx # the server\n\ncurl=7.88\nnginx\n"),
        ("web/packages/web.npm", b"@scope/tool@1.2\n"),
        ("web/packages/node-exporter.custom", b"# Fetches it\ntrue\n"),
        ("web/scripts/20-b.sh", b"true\n"),
        ("web/scripts/10-a.sh", b"echo \xc3\xa4\n"),
        ("web/scripts/.gitkeep", b""),
        ("web/files/space", b""),
        ("web/files/space.path", b"/srv/a path \r\n"),
        ("web/files/logo", b"\0\xff"),
        ("web/files/logo.path", b"/srv/logo\n"),
        ("web/files/logo.mode", b"0600\n"),
        ("web/files/logo.owner", b"www-data:www-data"),
        ("web/files/logo.policy", b"backup\n"),
    ]);
    let found = read_all(dir.path());
    assert_eq!(found.problems, []);
    let web = &found.read[0];
    assert_eq!((web.title.as_str(), web.tags.join(" ")), ("Web = good", "a b".to_owned()));
    assert_eq!((web.defaults.swap, web.defaults.nesting, web.defaults.cores), (Some(0), Some(false), None));
    assert_eq!(
        web.packages.iter().map(Package::argument).collect::<Vec<_>>(),
        ["nginx", "curl=7.88", "@scope/tool@1.2"]
    );
    assert_eq!(
        web.installers.iter().map(|installer| installer.name.as_str()).collect::<Vec<_>>(),
        ["node-exporter"]
    );
    assert_eq!(
        web.scripts.iter().map(|script| script.name.as_str()).collect::<Vec<_>>(),
        ["10-a.sh", "20-b.sh"]
    );
    assert_eq!(web.files[1].path.as_str(), "/srv/a path ");
    let file = &web.files[0];
    assert_eq!(
        (file.path.as_str(), file.mode, file.owner.as_str(), file.policy),
        ("/srv/logo", 0o600, "www-data:www-data", FilePolicy::Backup)
    );
    assert_eq!(file.content, b"\0\xff");
}

#[test]
fn each_problem_is_told_by_file_and_line() {
    let found = problems(&[
        ("web/template.conf", b"TITLE=x\nCORES=zero\nTITLE=y\nnonsense\nCOLOUR=red\n"),
        ("web/packages/a.apt", b"ok\nnot ok\n"),
        ("web/packages/a.brew", b"x\n"),
        ("web/packages/$(id).custom", b""),
        ("web/packages/dos.custom", b"one\r\n"),
        ("web/scripts/install.sh", b""),
        ("web/scripts/10-dos.sh", b"one\ntwo\r\n"),
        ("web/scripts/20-latin.sh", b"one\n\xe4\n"),
        ("web/files/lost", b""),
        ("web/files/gone.path", b"/x"),
        ("web/files/up", b""),
        ("web/files/up.path", b"/etc/../shadow"),
        ("web/script/10-a.sh", b""),
    ]);
    let places: Vec<&str> = found.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "web/files/gone.path",
            "web/files/lost",
            "web/files/up.path:1",
            "web/packages/$(id).custom",
            "web/packages/a.apt:2",
            "web/packages/a.brew",
            "web/packages/dos.custom:1",
            "web/script",
            "web/scripts/10-dos.sh:2",
            "web/scripts/20-latin.sh:2",
            "web/scripts/install.sh",
            "web/template.conf:2",
            "web/template.conf:3",
            "web/template.conf:4",
            "web/template.conf:5",
        ]
    );
}

#[test]
fn no_name_turns_the_order_of_what_is_read() {
    let found = problems(&[
        ("web/template.conf", "TITLE=x\n\u{2066}A=1\n".as_bytes()),
        ("web/scripts/\u{202e}hs.sh", b""),
        ("web/scripts/\u{200f}ä\n.sh", b""),
    ]);
    let text = found.join("\n");
    for escaped in ["\\u{2066}A", "web/scripts/\\u{202e}hs.sh", "web/scripts/\\u{200f}ä\\n.sh"] {
        assert!(text.contains(escaped), "{escaped} is not in {text:?}");
    }
    assert!(!text.contains(['\u{2066}', '\u{202e}', '\u{200f}']), "{text:?}");
}

#[test]
fn a_broken_one_is_no_harm_to_the_others() {
    let dir = tree(&[
        ("good/template.conf", b"TITLE=x"),
        ("Bad Name/template.conf", b"TITLE=x"),
        ("empty/README.md", b""),
    ]);
    let found = read_all(dir.path());
    assert_eq!(found.read.iter().map(|recipe| recipe.name.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(found.broken, ["Bad Name", "empty"]);
}

#[test]
fn links_do_not_lead_out_and_sizes_are_bounded() {
    let dir = tree(&[
        ("web/template.conf", b"TITLE=x"),
        ("web/files/big.path", b"/big"),
        ("web/files/out.path", b"/out"),
        ("web/files/in.path", b"/in"),
    ]);
    let files = dir.path().join("web/files");
    std::fs::write(files.join("big"), vec![0; (5 << 20) + 1]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", files.join("out")).unwrap();
    std::os::unix::fs::symlink("../template.conf", files.join("in")).unwrap();
    let found: Vec<String> = read_all(dir.path()).problems.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("web/files/big: is larger"), "{found:?}");
    assert!(found[1].starts_with("web/files/out: is a link"), "{found:?}");
}
