//! `uptime`: of the container, as lxcfs makes it on a real host.

use std::time::{Duration, SystemTime};

use super::out;
use crate::clock;
use crate::guest::init::BOOTED;

const MINUTE: u64 = 60;

/// `uptime [-p]`
pub(super) fn main(args: &[String]) -> i32 {
    let booted = std::fs::metadata(BOOTED).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let since = booted.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = Duration::from_secs(u64::try_from(clock::now()).unwrap_or_default());
    let minutes = now.saturating_sub(since).as_secs() / MINUTE;
    let (hours, rest) = (minutes / 60, minutes % 60);
    if args.iter().any(|arg| arg == "-p" || arg == "--pretty") {
        out(format!("up {}\n", pretty(hours, rest)));
    } else {
        let seconds = now.as_secs() % 86_400;
        let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / MINUTE % 60, seconds % MINUTE);
        out(format!(" {clock} up {hours}:{rest:02},  0 users,  load average: 0.00, 0.00, 0.00\n"));
    }
    0
}

fn pretty(hours: u64, minutes: u64) -> String {
    let count = |number: u64, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    match (hours / 24, hours % 24) {
        (0, 0) => count(minutes, "minute"),
        (0, hours) => format!("{}, {}", count(hours, "hour"), count(minutes, "minute")),
        (days, hours) => {
            format!("{}, {}, {}", count(days, "day"), count(hours, "hour"), count(minutes, "minute"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn a_fresh_container_is_up_for_no_minutes() {
        assert_eq!(pretty(0, 0), "0 minutes");
        assert_eq!(pretty(1, 24), "1 hour, 24 minutes");
    }
}
