//! Markers by which the inner command's own exit code is told apart from that of `pct` and `lxc-attach`.
//!
//! `pct exec` hands the inner exit code on, but answers 255 and 2 by itself too. So a small shell script inside the container
//! writes to standard error that it has begun, and with which code the program ended. Standard output stays untouched.

use bytes::{Bytes, BytesMut};

/// Run by `sh -c` inside, with the marker and the program as its arguments.
pub(super) const SCRIPT: &str = r#"m=$1; shift
printf '%s+\n' "$m" >&2
command -v "$1" >/dev/null 2>&1 || { printf '%s?\n' "$m" >&2; exit 127; }
"$@"
c=$?
printf '%s=%s\n' "$m" "$c" >&2
exit "$c""#;

/// What the script has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The program is about to begin.
    Begun,
    /// There is no such program.
    NoProgram,
    /// The program ended with this code.
    Ended(u32),
}

/// Takes the markers out of a stream of bytes that may be cut anywhere.
pub(super) struct Filter {
    marker: String,
    held: BytesMut,
}

impl Filter {
    /// A filter with a new marker that nobody can guess, so no program's output is taken for one.
    pub(super) fn new() -> Self {
        Self::with(format!("\u{1e}berth-{:032x}", rand::random::<u128>()))
    }

    fn with(marker: String) -> Self {
        Self { marker, held: BytesMut::new() }
    }

    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    /// Takes bytes in; returns those that are the program's, and what the script said.
    pub(super) fn push(&mut self, bytes: &[u8]) -> (Bytes, Vec<Said>) {
        self.held.extend_from_slice(bytes);
        let (mut clean, mut said) = (BytesMut::new(), Vec::new());
        while let Some(start) = self.find() {
            let after = start + self.marker.len();
            let Some(length) = self.held[after..].iter().take(16).position(|byte| *byte == b'\n') else {
                if self.held.len() - after >= 16 {
                    clean.extend_from_slice(&self.held.split_to(after));
                    continue;
                }
                clean.extend_from_slice(&self.held.split_to(start));
                return (clean.freeze(), said);
            };
            said.extend(read(&self.held[after..after + length]));
            clean.extend_from_slice(&self.held.split_to(start));
            let _marker = self.held.split_to(self.marker.len() + length + 1);
        }
        let keep = self.possible_start();
        clean.extend_from_slice(&self.held.split_to(self.held.len() - keep));
        (clean.freeze(), said)
    }

    /// What is left at the end of the stream: the beginning of a marker that never came.
    pub(super) fn finish(&mut self) -> Bytes {
        self.held.split().freeze()
    }

    fn find(&self) -> Option<usize> {
        self.held.windows(self.marker.len()).position(|window| window == self.marker.as_bytes())
    }

    /// How many bytes at the end may be the beginning of a marker.
    fn possible_start(&self) -> usize {
        let longest = self.held.len().min(self.marker.len() - 1);
        (1..=longest)
            .rev()
            .find(|length| self.marker.as_bytes().starts_with(&self.held[self.held.len() - length..]))
            .unwrap_or(0)
    }
}

fn read(text: &[u8]) -> Option<Said> {
    match text {
        b"+" => Some(Said::Begun),
        b"?" => Some(Said::NoProgram),
        _ => std::str::from_utf8(text).ok()?.strip_prefix('=')?.parse().ok().map(Said::Ended),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(argv: &[&str]) -> (Option<i32>, Vec<u8>, Vec<u8>, Vec<Said>) {
        let mut filter = Filter::with("\u{1e}M".into());
        let output = std::process::Command::new("sh")
            .args(["-c", SCRIPT, "sh", filter.marker()])
            .args(argv)
            .output()
            .unwrap();
        let (clean, said) = filter.push(&output.stderr);
        (output.status.code(), output.stdout, clean.to_vec(), said)
    }

    #[test]
    fn the_script_reports_begin_and_end_in_a_real_shell() {
        assert_eq!(run(&["true"]), (Some(0), vec![], vec![], vec![Said::Begun, Said::Ended(0)]));
        let argv = ["sh", "-c", "printf out; printf err >&2; exit 255"];
        assert_eq!(
            run(&argv),
            (Some(255), b"out".to_vec(), b"err".to_vec(), vec![Said::Begun, Said::Ended(255)])
        );
        let killed = run(&["sh", "-c", "kill -9 $$"]);
        assert_eq!((killed.0, killed.3), (Some(137), vec![Said::Begun, Said::Ended(137)]));
        assert_eq!(run(&["nosuchprogram"]), (Some(127), vec![], vec![], vec![Said::Begun, Said::NoProgram]));
        assert_eq!(run(&["printf", "%s|", "a b", "$HOME", "-n", ""]).1, b"a b|$HOME|-n||");
    }

    proptest! {
        #[test]
        fn markers_are_found_however_the_stream_is_cut(
            before in prop::collection::vec(any::<u8>(), 0..40),
            after in prop::collection::vec(any::<u8>(), 0..40),
            code in 0u32..256,
            cuts in prop::collection::vec(1usize..9, 1..40),
        ) {
            let mut filter = Filter::new();
            let marker = filter.marker().to_owned();
            let stream = [format!("{marker}+\n").as_bytes(), &before, format!("{marker}={code}\n").as_bytes(), &after].concat();
            let (mut clean, mut said, mut rest) = (Vec::new(), Vec::new(), &stream[..]);
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                let (bytes, more) = filter.push(piece);
                clean.extend_from_slice(&bytes);
                said.extend(more);
                rest = tail;
            }
            clean.extend_from_slice(&filter.finish());
            prop_assert_eq!(said, [Said::Begun, Said::Ended(code)]);
            prop_assert_eq!(clean, [before, after].concat());
        }
    }
}
