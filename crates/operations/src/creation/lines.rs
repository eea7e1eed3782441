//! Cuts a step's output into lines, and masks what must not be shown.

/// Longer lines are cut into pieces of this many bytes.
pub(crate) const LONGEST_LINE: usize = 16 << 10;
/// What stands in place of a secret.
const MASK: &str = "••••••";
/// Shorter values are not masked: they would blot out half the log.
const SHORTEST_SECRET: usize = 4;

/// Values that a script has said to be secret.
#[derive(Clone, Default)]
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Replaces the list; longer values go first, so that one within another leaves nothing behind.
    pub(crate) fn set(&mut self, mut values: Vec<String>) {
        values.retain(|value| value.len() >= SHORTEST_SECRET);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        self.0 = values;
    }

    /// The line without secrets.
    pub(crate) fn apply(&self, line: String) -> String {
        self.0
            .iter()
            .fold(line, |line, secret| if line.contains(secret) { line.replace(secret, MASK) } else { line })
    }
}

/// Cuts a byte stream into lines and knows how many bytes of it the whole lines take.
#[derive(Debug, Default)]
pub(crate) struct LineCutter {
    rest: Vec<u8>,
    offset: u64,
}

impl LineCutter {
    /// Goes on at byte `offset` of the stream, which begins a line.
    pub(crate) fn at(offset: u64) -> Self {
        Self { rest: Vec::new(), offset }
    }

    /// Takes bytes, gives the lines that are now whole.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(length) = next_line(&self.rest[from..]) {
            lines.push(text(&self.rest[from..from + length]));
            from += length;
        }
        self.rest.drain(..from);
        self.offset += from as u64;
        lines
    }

    /// The last line, if the stream ended without a line end.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        self.offset += rest.len() as u64;
        (!rest.is_empty()).then(|| text(&rest))
    }

    /// How many bytes of the stream have been given as lines.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }
}

/// The length of the first line with its end, or of its first piece if it is too long; none while it is not whole.
fn next_line(bytes: &[u8]) -> Option<usize> {
    if let Some(end) = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') {
        return Some(end + 1);
    }
    if bytes.len() < LONGEST_LINE {
        return None;
    }
    // Not within a character.
    let boundary = (LONGEST_LINE - 3..=LONGEST_LINE)
        .rev()
        .find(|index| bytes.get(*index).is_none_or(|byte| byte & 0xC0 != 0x80));
    Some(boundary.unwrap_or(LONGEST_LINE))
}

/// The line as a terminal would leave it: after a carriage return the line is written anew.
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let shown = line.rsplit(|byte| *byte == b'\r').next().unwrap_or(line);
    // PostgreSQL takes no NUL in a text.
    String::from_utf8_lossy(shown).replace('\0', "\u{2400}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn resuming_at_the_offset_loses_and_repeats_nothing(lines in prop::collection::vec("[a-zä]{0,30}", 0..40), cut in 0usize..2000) {
            let stream: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let cut = cut.min(stream.len());
            let mut first = LineCutter::default();
            let mut seen = first.push(&stream[..cut]);
            // A worker died here: only whole lines and their offset were stored.
            let stored = usize::try_from(first.offset()).unwrap();
            let mut second = LineCutter::at(first.offset());
            seen.extend(second.push(&stream[stored..]));
            prop_assert_eq!(seen, lines);
            prop_assert_eq!(second.offset(), stream.len() as u64);
        }

        #[test]
        fn any_bytes_become_lines_that_can_be_stored(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
            let mut cutter = LineCutter::default();
            let mut lines: Vec<String> = pieces.iter().flat_map(|piece| cutter.push(piece)).collect();
            lines.extend(cutter.finish());
            prop_assert_eq!(cutter.offset(), pieces.concat().len() as u64);
            prop_assert!(lines.iter().all(|line| !line.contains(['\0', '\n'])));
        }
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut() {
        let mut cutter = LineCutter::default();
        let line = "ü".repeat(500_000);
        let mut lines = cutter.push(line.as_bytes());
        lines.extend(cutter.push(b"\n"));
        assert!(lines.len() > 50 && lines.iter().all(|piece| piece.len() <= LONGEST_LINE));
        assert_eq!(lines.concat(), line);
    }

    #[test]
    fn progress_bars_leave_their_last_state() {
        assert_eq!(LineCutter::default().push(b"10%\r50%\r100%\r\nok\0\n"), ["100%", "ok\u{2400}"]);
    }

    #[test]
    fn secrets_are_masked_longest_first() {
        let mut mask = Mask::default();
        mask.set(vec!["hunter2".into(), "hunter2-and-more".into(), "ab".into()]);
        assert_eq!(mask.apply("ab hunter2-and-more hunter2".into()), "ab •••••• ••••••");
    }
}
