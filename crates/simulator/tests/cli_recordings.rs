//! The recorded command lines of a real host, run in their order against the simulated one over real SSH.
#![allow(clippy::unwrap_used)] // a recording that does not parse ends the test, which is right

mod cli_support;

use std::fs;

use cli_support::{Outcome, Rig, start};
use regex::Regex;

/// Not run: 007 was cut when it was recorded, 028 shows limits and control groups of the recorded kernel.
const LEFT_OUT: [u32; 2] = [7, 28];

#[derive(Debug)]
struct Recording {
    number: u32,
    name: String,
    terminal: bool,
    command: String,
    stdin: Vec<u8>,
    exit: u32,
    stdout: String,
    stderr: String,
}

fn section<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).map_or(0, |at| at + from.len());
    let rest = &text[start..];
    rest.find(to).map_or(rest, |end| &rest[..end])
}

fn parse(path: &std::path::Path) -> Recording {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let command = section(&text, "run by the remote login shell):\n", "\nSTDIN: ");
    let command = command.split("\nNOTE: ").next().unwrap().to_owned();
    let stdin = section(&text, "\nSTDIN: ", "\n");
    let stdin = match stdin {
        "/dev/null" => Vec::new(),
        literal if literal.starts_with("b'") => {
            literal[2..literal.len() - 1].replace("\\n", "\n").replace("\\'", "'").into_bytes()
        }
        _ => (0..256_000_usize).map(|index| u8::try_from(index % 256).unwrap()).collect(),
    };
    let (head, rest) = text.split_once("--- STDOUT\n").unwrap();
    let (stdout, stderr) = rest.split_once("--- STDERR").unwrap();
    Recording {
        number: name[..3].parse().unwrap(),
        terminal: head.starts_with("# ssh root@pve -tt"),
        exit: section(head, "\nEXIT: ", "\n").trim().parse().unwrap(),
        stdout: stdout.to_owned(),
        stderr: stderr.trim_start_matches('\n').to_owned(),
        name,
        command,
        stdin,
    }
}

/// What differs between two runs on one host, or between two machines, is replaced on both sides.
fn normal(text: &str) -> String {
    let text =
        text.replace("\r\n", "\n").replace("[no newline at end]\n", "").replace("[no newline at end]", "");
    let rules = [
        (r"SHA256:\S+", "SHA256:#"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "#"),
        (r"ssh_host_\w+_key", "ssh_host_#_key"),
        (r"(?m)^ *\d+( +\d+)? +([a-z])", "# $2"),
        (r"[A-Z][a-z]{2} \d\d \d\d:\d\d", "DATE"),
        (r"(?m)^SSH_(\w+)=.*$", "SSH_$1=#"),
        (r"Startup finished in \S+", "Startup finished in #"),
        (r"(?m)^(disk|maxdisk|diskread|diskwrite|mem|netin|netout|pid|swap|uptime): -?\d+$", "$1: #"),
        (r"data-\d+", "data-#"),
        (r"root root \d+ DATE", "root root # DATE"),
        (r#""(cpu|disk|maxcpu|maxdisk|maxmem|mem|uptime)":[0-9.e-]+"#, "\"$1\":#"),
        (r"([0-9A-F]{2}:){31}[0-9A-F]{2}", "#"),
        (r"Total bytes read: .*", "Total bytes read: #"),
        (r"/dev/pts/\d+", "/dev/pts/#"),
        (r"\d+\.\d+[GM]", "#"),
        (r" +\d+\.\d /\n", " # /\n"),
        (r"(local|local-ct) +dir +active .*", "$1 dir active #"),
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
    ];
    rules.iter().fold(text, |text, (pattern, with)| {
        Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

/// Trailing blanks of a file are no part of what was recorded.
fn same(recorded: &str, seen: &str) -> bool {
    normal(recorded).trim_end_matches('\n') == normal(seen).trim_end_matches('\n')
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// What had happened on the recorded host outside the recorded commands.
async fn prepare(rig: &Rig, number: u32) {
    match number {
        1 => {
            let os_template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
            let created =
                rig.run(&format!("pct create 104 {os_template} --hostname x --rootfs local-ct:1")).await;
            assert_eq!(created.code, Some(0), "{}", created.err());
        }
        101 => abandon(rig, "pct exec 101 -- sleep 777", "sleep 777").await,
        102 => {
            abandon(rig, "pct exec 101 -- sh -c 'while :; do echo tick; sleep 1; done'", "while :").await;
        }
        _ => {}
    }
}

/// Starts a command and drops the connection once it runs inside.
async fn abandon(rig: &Rig, command: &str, pattern: &str) {
    let session = rig.connect().await;
    let channel = session.channel_open_session().await.unwrap();
    channel.exec(true, command).await.unwrap();
    rig.until(&format!("pct exec 101 -- pgrep -f '[{}]{}'", &pattern[..1], &pattern[1..]), |seen| {
        seen.code == Some(0)
    })
    .await;
    drop(channel);
    drop(session);
}

fn report(recording: &Recording, seen: &Outcome) -> String {
    format!(
        "== {} ({}): exit {:?}, recorded {}\n-- stdout\n{}\n-- recorded\n{}\n-- stderr\n{}\n-- recorded\n{}\n",
        recording.name,
        recording.command,
        seen.code,
        recording.exit,
        normal(&seen.out()),
        normal(&recording.stdout),
        normal(&seen.err()),
        normal(&recording.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_command_lines_give_their_recorded_answers() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/cli");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let rig = start().await;
    let (mut passed, mut failures) = (0, Vec::new());
    for recording in paths.iter().map(|path| parse(path)) {
        if LEFT_OUT.contains(&recording.number) {
            continue;
        }
        prepare(&rig, recording.number).await;
        let seen = rig.run_with(&recording.command, &recording.stdin, recording.terminal).await;
        let stderr = recording.terminal || same(&recording.stderr, &seen.err());
        // Of two commands at once either may be first.
        let order = |text: &str| if recording.number == 105 { sorted(text) } else { text.to_owned() };
        let stdout = same(&order(&recording.stdout), &order(&seen.out()));
        if seen.code == Some(recording.exit) && stdout && stderr {
            passed += 1;
        } else {
            failures.push(report(&recording, &seen));
        }
    }
    assert!(failures.is_empty(), "{passed} passed, {} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(passed >= 94, "only {passed} recordings were compared");
}
