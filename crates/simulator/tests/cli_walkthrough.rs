//! One whole creation by hand, command by command as recorded on a real host.

mod cli_support;

use cli_support::start;

/// A recorded command, its output and exit code.
#[derive(Debug)]
struct Step {
    command: String,
    output: String,
    exit: u32,
}

fn steps() -> Option<Vec<Step>> {
    let text = include_str!("recordings/walkthrough.txt");
    let step = |block: &str| {
        let (command, rest) = block.split_once('\n')?;
        let (output, exit) = rest.rsplit_once("[exit ")?;
        let exit = exit.split(']').next()?.parse().ok()?;
        Some(Step { command: command.to_owned(), output: output.to_owned(), exit })
    };
    text.split("\n$ ").skip(1).map(step).collect()
}

/// Lines whose content is the same on every machine.
fn comparable(step: &Step) -> bool {
    let volatile = ["journalctl -n", "systemctl show", "ss -H -tlnp", "ls -ln", "pct create", "pct config"];
    !volatile.iter().any(|part| step.command.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_walk_through_works_in_sequence() {
    let rig = start().await;
    let steps = steps().expect("every block is a command, its output and its exit code");
    assert!(steps.len() >= 19, "only {} steps were read", steps.len());
    for step in steps {
        let seen = rig.run(&step.command).await;
        assert_eq!(seen.code, Some(step.exit), "{}: {} {}", step.command, seen.out(), seen.err());
        let all = format!("{}{}", seen.out(), seen.err());
        if comparable(&step) {
            assert_eq!(all, step.output, "{}", step.command);
        } else {
            let (seen, recorded) = (all.lines().count(), step.output.lines().count());
            assert!(
                seen.abs_diff(recorded) <= 9,
                "{}: {seen} lines, recorded {recorded}:\n{all}",
                step.command
            );
        }
    }
}
