//! Parts of a file: `@ part INODE BEGIN LENGTH BYTE`, then LENGTH bytes.

use super::super::cursor::Cursor;
use super::super::lines::{LogLine, Severity, Splitter, shown};
use super::{Garbled, plain};

/// The longest line that announces a part.
const LONGEST_HEADER: usize = 200;
/// Said where what follows is the new content of the file: it was emptied, or another took its name.
const ROTATED: &str = "The log was begun anew";

/// Puts a file together from its parts and knows up to which byte its whole lines go.
#[derive(Default)]
pub(super) struct Parts {
    header: Vec<u8>,
    /// Bytes of the current part that were had before, and bytes still to come of it after those.
    skip: u64,
    left: u64,
    inode: Option<u64>,
    /// The next byte, and the first of the line that is not whole.
    received: u64,
    consumed: u64,
    /// A page begins in the middle of a line, which it leaves out.
    within_line: bool,
}

struct Announced {
    inode: u64,
    begin: u64,
    length: u64,
    byte: u64,
}

impl Parts {
    /// Goes on at this byte of the file with this inode.
    pub(super) fn after(inode: u64, byte: u64) -> Self {
        Self { inode: Some(inode), received: byte, consumed: byte, ..Self::default() }
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.inode.map(|inode| Cursor::File { inode, byte: self.consumed })
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        splitter: &mut Splitter,
        lines: &mut Vec<LogLine>,
    ) -> Result<(), Garbled> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skip > 0 {
                rest = &rest[take(&mut self.skip, rest)..];
            } else if self.left > 0 {
                let (body, more) = rest.split_at(take(&mut self.left, rest));
                self.body(body, splitter, lines);
                rest = more;
            } else {
                rest = self.head(rest, splitter, lines)?;
            }
        }
        Ok(())
    }

    /// The file's last line is shown although it has no end yet; what may still come of it is another.
    pub(super) fn finish(&mut self, splitter: &mut Splitter, lines: &mut Vec<LogLine>) {
        splitter.finish(|line, omitted| lines.push(plain(shown(line, omitted))));
        self.consumed = self.received;
    }

    fn body(&mut self, body: &[u8], splitter: &mut Splitter, lines: &mut Vec<LogLine>) {
        if let Some(end) = body.iter().rposition(|byte| *byte == b'\n') {
            self.consumed = self.received + end as u64 + 1;
        }
        self.received += body.len() as u64;
        splitter.push(body, |line, omitted| {
            if !std::mem::take(&mut self.within_line) {
                lines.push(plain(shown(line, omitted)));
            }
        });
    }

    /// Reads on in the line that announces the next part; answers what is behind it.
    fn head<'b>(
        &mut self,
        bytes: &'b [u8],
        splitter: &mut Splitter,
        lines: &mut Vec<LogLine>,
    ) -> Result<&'b [u8], Garbled> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.header.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if self.header.len() > LONGEST_HEADER {
            return Err(Garbled);
        }
        let Some(end) = end else { return Ok(&[]) };
        let part = announced(&self.header).ok_or(Garbled)?;
        self.header.clear();
        if self.inode.is_none() {
            self.within_line = part.byte > 0;
            (self.received, self.consumed) = (part.byte, part.byte);
        } else if self.inode != Some(part.inode) || self.received != part.byte {
            splitter.finish(|line, omitted| lines.push(plain(shown(line, omitted))));
            lines.push(LogLine { severity: Severity::Note, ..plain(ROTATED.into()) });
            (self.received, self.consumed) = (part.byte, part.byte);
        }
        self.inode = Some(part.inode);
        self.skip = part.byte.checked_sub(part.begin).filter(|skip| *skip <= part.length).ok_or(Garbled)?;
        self.left = part.length - self.skip;
        Ok(&bytes[end + 1..])
    }
}

/// How many of these bytes are taken, which are that many less.
fn take(left: &mut u64, bytes: &[u8]) -> usize {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= taken as u64;
    taken
}

fn announced(line: &[u8]) -> Option<Announced> {
    let text = std::str::from_utf8(line).ok()?;
    let mut numbers = text.strip_prefix("@ part ")?.split(' ').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    Some(Announced { inode: next()?, begin: next()?, length: next()?, byte: next()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::lines::LONGEST;
    use super::*;

    fn read(parts: &mut Parts, splitter: &mut Splitter, pieces: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        for piece in pieces {
            parts.push(piece, splitter, &mut found).unwrap();
        }
        found.into_iter().map(|line| line.text).collect()
    }

    proptest! {
        #[test]
        fn stopping_and_going_on_loses_and_repeats_nothing(lines in prop::collection::vec("[a-z]{0,9}", 1..30), stop in 0usize..200, block in 1u64..20) {
            let file: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let stop = stop.min(file.len());
            let (mut parts, mut splitter) = (Parts::default(), Splitter::new(LONGEST));
            let first = [format!("@ part 7 0 {stop} 0\n").as_bytes(), &file[..stop]].concat();
            let mut seen = read(&mut parts, &mut splitter, &[&first[..first.len() / 2], &first[first.len() / 2..]]);
            let Some(Cursor::File { inode: 7, byte }) = parts.cursor() else { panic!() };
            let begin = byte / block * block;
            let second = [
                format!("@ part 7 {begin} {} {byte}\n", file.len() as u64 - begin).as_bytes(),
                &file[usize::try_from(begin).unwrap()..],
            ]
            .concat();
            let (mut parts, mut splitter) = (Parts::after(7, byte), Splitter::new(LONGEST));
            seen.extend(read(&mut parts, &mut splitter, &[&second]));
            prop_assert_eq!(seen, lines);
            prop_assert_eq!(parts.cursor(), Some(Cursor::File { inode: 7, byte: file.len() as u64 }));
        }
    }

    #[test]
    fn a_page_leaves_out_the_line_it_begins_in_and_shows_an_unfinished_last_one() {
        let (mut parts, mut splitter) = (Parts::default(), Splitter::new(LONGEST));
        assert_eq!(read(&mut parts, &mut splitter, &[b"@ part 7 4 12 6\nxxf\nfirst\nla"]), ["first"]);
        assert_eq!(parts.cursor(), Some(Cursor::File { inode: 7, byte: 14 }));
        let mut rest = Vec::new();
        parts.finish(&mut splitter, &mut rest);
        assert_eq!(rest, [plain("la".into())]);
        assert_eq!(parts.cursor(), Some(Cursor::File { inode: 7, byte: 16 }));
    }

    #[test]
    fn another_file_and_an_emptied_one_are_told() {
        let (mut parts, mut splitter) = (Parts::after(7, 5), Splitter::new(LONGEST));
        let told = read(
            &mut parts,
            &mut splitter,
            &[b"@ part 7 4 4 5\n?a\nb", b"@ part 8 0 2 0\nc\n@ part 8 0 2 0\nd\n"],
        );
        assert_eq!(told, ["a", "b", ROTATED, "c", ROTATED, "d"]);
    }

    #[test]
    fn nonsense_is_no_part() {
        for text in ["hello\n", "@ part 1 2\n", "@ part 1 9 2 0\n", "@ part 1 0 2 9\n", &"x".repeat(300)] {
            let (mut parts, mut splitter) = (Parts::default(), Splitter::new(LONGEST));
            assert_eq!(parts.push(text.as_bytes(), &mut splitter, &mut Vec::new()), Err(Garbled), "{text}");
        }
    }
}
