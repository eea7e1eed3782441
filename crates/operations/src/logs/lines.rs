//! Lines of a log, within bounds however long they are.

use time::OffsetDateTime;

/// Bytes of a line that are shown.
pub(super) const LONGEST: usize = 8 << 10;

/// How serious a line is, as far as its log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Anything else.
    Normal,
    /// A warning.
    Warning,
    /// An error, or worse.
    Error,
    /// No line of the log, but something about it.
    Note,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written; `None` where only its text may tell.
    pub at: Option<OffsetDateTime>,
    /// How serious it is.
    pub severity: Severity,
    /// What it says, in a container's own words, escape sequences included. The rest of a very long one is left out, and says so.
    pub text: String,
}

/// Cuts bytes as they come into lines, of each of which it keeps no more than `most` bytes.
pub(super) struct Splitter {
    kept: Vec<u8>,
    omitted: u64,
    most: usize,
}

impl Splitter {
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), omitted: 0, most }
    }

    /// Calls `line` for each line that is now whole: with what was kept of it, without its end, and how many bytes were not.
    pub(super) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8], u64)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..end]);
            line(&self.kept, self.omitted);
            self.clear();
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// The last line, where it has no end.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&[u8], u64)) {
        if !self.kept.is_empty() {
            line(&self.kept, self.omitted);
        }
        self.clear();
    }

    fn keep(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.most - self.kept.len());
        self.kept.extend_from_slice(&bytes[..kept]);
        self.omitted += (bytes.len() - kept) as u64;
    }

    fn clear(&mut self) {
        self.kept.clear();
        // One long line shall not hold its memory for good.
        self.kept.shrink_to(LONGEST);
        self.omitted = 0;
    }
}

/// A line as it is shown, cut where it is too long.
pub(super) fn shown(bytes: &[u8], omitted: u64) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let end = text.floor_char_boundary(LONGEST);
    let left = omitted + (text.len() - end) as u64;
    if left == 0 { text.into_owned() } else { format!("{} … ({left} more bytes)", &text[..end]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(splitter: &mut Splitter, pieces: &[&[u8]]) -> Vec<(Vec<u8>, u64)> {
        let mut found = Vec::new();
        for piece in pieces {
            splitter.push(piece, |line, omitted| found.push((line.to_vec(), omitted)));
        }
        found
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_come(text in "[a-c\n]{0,200}", cuts in prop::collection::vec(1usize..20, 1..30)) {
            let (mut rest, mut pieces) = (text.as_bytes(), Vec::new());
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            let mut splitter = Splitter::new(7);
            let mut found = lines(&mut splitter, &pieces);
            splitter.finish(|line, omitted| found.push((line.to_vec(), omitted)));
            let expected: Vec<_> = text
                .split_terminator('\n')
                .map(|line| (line.as_bytes()[..line.len().min(7)].to_vec(), line.len().saturating_sub(7) as u64))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_line_of_a_gigabyte_says_what_is_left_out() {
        let mut splitter = Splitter::new(LONGEST);
        let piece = vec![b'x'; 1 << 20];
        let mut found = lines(&mut splitter, &vec![piece.as_slice(); 1024]);
        assert!(found.is_empty() && splitter.kept.capacity() < 2 * LONGEST);
        found = lines(&mut splitter, &[b"\nnext\n"]);
        let text = shown(&found[0].0, found[0].1);
        assert!(
            text.len() < LONGEST + 100 && text.ends_with("x … (1073733632 more bytes)"),
            "{}",
            &text[LONGEST..]
        );
        assert_eq!(found[1], (b"next".to_vec(), 0));
    }
}
