use proptest::prelude::*;

use super::*;

/// The packages, and the unread lines with a word of their reason.
fn read_apt(text: &str) -> (Vec<String>, Vec<(usize, String)>) {
    let pasted = read(text, PackageManager::Apt);
    let unread = pasted.unread.into_iter().map(|unread| (unread.line, unread.text)).collect();
    (pasted.packages.iter().map(line_of).collect(), unread)
}

fn line_of(package: &Package) -> String {
    format!("{}:{}", package.manager(), package.notation())
}

#[test]
fn lists_are_read_as_people_have_them() {
    for (text, packages) in [
        ("nginx", &["apt:nginx"][..]),
        ("nginx curl\tgit", &["apt:nginx", "apt:curl", "apt:git"]),
        ("nginx, curl,git,", &["apt:nginx", "apt:curl", "apt:git"]),
        ("nginx=1.22.1-9", &["apt:nginx=1.22.1-9"]),
        ("\u{feff}nginx\r\ncurl\r\n\r\n", &["apt:nginx", "apt:curl"]),
        (
            "  - nginx # the web server\n* curl\n• git\n1. jq\n2) vim\n- [ ] tmux\n- [x] htop",
            &["apt:nginx", "apt:curl", "apt:git", "apt:jq", "apt:vim", "apt:tmux", "apt:htop"],
        ),
        ("# a comment\n#nginx\n", &[]),
        ("\"nginx\", 'curl', `git`", &["apt:nginx", "apt:curl", "apt:git"]),
        ("apt install -y nginx curl", &["apt:nginx", "apt:curl"]),
        (
            "sudo -E DEBIAN_FRONTEND=noninteractive apt-get -q install --no-install-recommends nginx",
            &["apt:nginx"],
        ),
        ("$ sudo apt install nginx", &["apt:nginx"]),
        ("me@host:~$ sudo apt install nginx", &["apt:nginx"]),
        ("[root@host ~]# dnf install nginx", &["dnf:nginx"]),
        ("apt update && apt install nginx && apt clean", &["apt:nginx"]),
        (
            "RUN apt-get update && apt-get install -y \\\n    curl \\\n    # why not\n    git",
            &["apt:curl", "apt:git"],
        ),
        ("apk add --no-cache py3-pip", &["apk:py3-pip"]),
        ("pacman -Syu --noconfirm base-devel", &["pacman:base-devel"]),
        ("npm install -g typescript@5.0.0 @angular/cli", &["npm:typescript@5.0.0", "npm:@angular/cli"]),
        ("yarn global add typescript", &["npm:typescript"]),
        (
            "pip install x==1 'uvicorn[standard,test]==0.30'",
            &["pip:x==1", "pip:uvicorn[standard,test]==0.30"],
        ),
        ("python3 -m pip install --user rich", &["pip:rich"]),
        ("uv pip install rich", &["pip:rich"]),
        (
            "requests==2.31.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\nrich == 13.0",
            &["pip:requests==2.31.0", "pip:rich==13.0"],
        ),
        (
            "npm:typescript pip:rich apt:libstdc++6:amd64",
            &["npm:typescript", "pip:rich", "apt:libstdc++6:amd64"],
        ),
        ("pip: rich flask", &["pip:rich", "pip:flask"]),
        ("@scope/name@1.2", &["npm:@scope/name@1.2"]),
        ("nginx\t\t\t\tinstall\ncurl\t\t\thold", &["apt:nginx", "apt:curl"]),
        ("npm", &["apt:npm"]),
        ("nginx\ncurl\nnginx=1.2\napt:nginx", &["apt:nginx=1.2", "apt:curl"]),
    ] {
        let (found, unread) = read_apt(text);
        assert_eq!(found, packages, "{text:?}: {unread:?}");
        assert_eq!(unread, [], "{text:?}");
    }
}

#[test]
fn what_is_not_understood_is_reported_by_line() {
    for (text, packages, lines) in [
        ("nginx\n; rm -rf /\ncurl", &["apt:nginx", "apt:curl"][..], &[2][..]),
        ("nginx; rm -rf /", &[], &[1]),
        ("$(reboot)", &[], &[1]),
        ("nginx && reboot", &[], &[1]),
        ("apt install nginx && reboot", &["apt:nginx"], &[1]),
        ("apt install nginx; reboot", &["apt:nginx"], &[1]),
        ("--reinstall", &[], &[1]),
        ("-y nginx", &[], &[1]),
        ("apt install -t bookworm-backports nginx", &["apt:nginx"], &[1]),
        ("apt install", &[], &[1]),
        ("apt remove nginx", &[], &[1]),
        ("sudo reboot now", &[], &[1]),
        ("Please install the following packages:", &[], &[1]),
        ("nginх", &[], &[1]),
        ("nginx\0", &[], &[1]),
        ("a\u{200b}b", &[], &[1]),
        ("nginx/stable", &[], &[1]),
        ("./local.deb https://example.org/x.deb", &[], &[1]),
        ("requests>=2.0\nrich~=13", &[], &[1, 2]),
        ("requests==2.0 ; python_version < \"3.8\"", &[], &[1]),
        ("-r requirements.txt\n-e git+https://example.org/x", &[], &[1, 2]),
        ("pip install -r requirements.txt", &[], &[1]),
        ("# apt install nginx", &[], &[1]),
        ("apt install curl \\\n  Bad \\\n  git", &["apt:curl", "apt:git"], &[2]),
        ("npm:", &[], &[1]),
        ("npm:../evil", &[], &[1]),
    ] {
        let (found, unread) = read_apt(text);
        assert_eq!(found, packages, "{text:?}: {unread:?}");
        assert_eq!(unread.iter().map(|(line, _)| *line).collect::<Vec<_>>(), lines, "{text:?}: {unread:?}");
    }
}

#[test]
fn what_is_left_can_be_mended_where_it_stands() {
    let pasted = read("nginx\napt install curl Git\r\nPlease read this\n\n# why\nhtop", PackageManager::Apt);
    assert_eq!(pasted.rest, "apt install Git\nPlease read this");
    assert_eq!(read("apt install git", PackageManager::Apt).rest, "");
    // A command that was refused once is not taken for names the next time.
    let left = read("apt install curl && reboot", PackageManager::Apt).rest;
    assert_eq!((left.as_str(), read(&left, PackageManager::Apt).packages), ("&& reboot", vec![]));
}

#[test]
fn a_very_long_line_is_shown_short() {
    let pasted = read(&"x;".repeat(1 << 15), PackageManager::Apt);
    assert_eq!(pasted.unread.len(), 1);
    assert!(pasted.unread[0].text.len() < 100 && pasted.unread[0].reason.len() < 400, "{:?}", pasted.unread);
    assert_eq!(pasted.rest.len(), 1 << 16);
}

fn managers() -> impl Strategy<Value = PackageManager> {
    proptest::sample::select(PackageManager::ALL.to_vec())
}

/// Words of real lists among random ones, so that more than refusals is tried.
fn lines() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        proptest::sample::select(vec![
            "apt",
            "install",
            "-y",
            "npm:",
            "pip",
            "@a/b",
            "==",
            "1.2",
            "&&",
            ";",
            "\\\n",
            "#",
            "- ",
            "sudo",
            "nginx",
            "$(x)",
            "'",
            ",",
            "[a,b]",
            "x==1",
            "\t",
            "\r\n",
            "\n",
            "RUN ",
            "pacman -S",
            "libc6:amd64",
            "\0",
            "х",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9+.-]{1,8}",
        "\\PC{0,6}",
    ];
    (proptest::collection::vec(word, 0..12), prop_oneof![Just(" "), Just("")])
        .prop_map(|(words, space)| words.join(space))
}

proptest! {
    #[test]
    fn whatever_is_pasted_yields_packages_that_read_back(text in lines(), manager in managers(), other in managers()) {
        let pasted = read(&text, manager);
        for package in &pasted.packages {
            let again = read(&line_of(package), other);
            prop_assert_eq!(&again.packages, std::slice::from_ref(package));
            prop_assert_eq!(again.unread, vec![]);
        }
        let list: Vec<String> = pasted.packages.iter().map(line_of).collect();
        prop_assert_eq!(read(&list.join("\n"), other).packages, pasted.packages);
    }

    #[test]
    fn what_is_left_is_what_was_unread(text in lines(), manager in managers()) {
        let pasted = read(&text, manager);
        prop_assert_eq!(pasted.unread.is_empty(), pasted.rest.is_empty(), "{:?}", pasted);
        let again = read(&pasted.rest, manager);
        prop_assert!(pasted.rest.is_empty() || !again.unread.is_empty(), "{:?} {:?}", pasted, again);
        let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
        prop_assert!(pasted.unread.iter().all(|unread| (1..=lines).contains(&unread.line)));
    }

    #[test]
    fn nothing_is_passed_over_in_silence(words in proptest::collection::vec("[^\\s#\"'`,\\\\\u{feff}]{1,12}", 1..5), manager in managers()) {
        let pasted = read(&words.join(" "), manager);
        let upkeep = words.iter().any(|word| manager_words(word));
        prop_assert!(upkeep || !pasted.packages.is_empty() || !pasted.unread.is_empty(), "{:?}", words);
    }

    #[test]
    fn any_text_at_all_does_no_harm(text: String, manager in managers()) {
        let _ = read(&text, manager);
    }
}

/// Such as `apt update`.
fn manager_words(word: &str) -> bool {
    ["apt", "apk", "dnf", "yum", "nala", "yay", "paru", "pacman"].contains(&word)
}
