//! Where somebody has stopped reading a log.

use std::fmt;
use std::str::FromStr;

/// The longest cursor that is taken; those of the journal have about 150 characters.
const LONGEST: usize = 400;

/// A place between two lines of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    /// Before the first.
    Start,
    /// After the last there is.
    Now,
    /// After the entry of the journal with this cursor.
    Journal(String),
    /// After so many lines that Docker has given this time.
    Docker { at: String, lines: u32 },
    /// At this byte of the file with this inode.
    File { inode: u64, byte: u64 },
}

impl Cursor {
    /// As the script takes it.
    pub(super) fn argument(&self) -> String {
        match self {
            Self::Start => "start".into(),
            Self::Now => "now".into(),
            Self::Journal(cursor) => cursor.clone(),
            Self::Docker { at, .. } => at.clone(),
            Self::File { inode, byte } => format!("{inode}:{byte}"),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Now => f.write_str("now"),
            Self::Journal(cursor) => write!(f, "j:{cursor}"),
            Self::Docker { at, lines } => write!(f, "d:{at}#{lines}"),
            Self::File { inode, byte } => write!(f, "f:{inode}:{byte}"),
        }
    }
}

/// Something else came back than was given.
#[derive(Debug)]
pub(super) struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        if text.len() > LONGEST {
            return Err(NoCursor);
        }
        match text.split_once(':') {
            None if text == "start" => Ok(Self::Start),
            None if text == "now" => Ok(Self::Now),
            Some(("j", cursor)) if is_of_journal(cursor) => Ok(Self::Journal(cursor.into())),
            Some(("d", rest)) => {
                let (at, lines) = rest.split_once('#').ok_or(NoCursor)?;
                let lines = lines.parse().map_err(|_| NoCursor)?;
                if is_time(at) { Ok(Self::Docker { at: at.into(), lines }) } else { Err(NoCursor) }
            }
            Some(("f", rest)) => {
                let (inode, byte) = rest.split_once(':').ok_or(NoCursor)?;
                let number = |text: &str| text.parse().map_err(|_| NoCursor);
                Ok(Self::File { inode: number(inode)?, byte: number(byte)? })
            }
            _ => Err(NoCursor),
        }
    }
}

/// `s=…;i=…;b=…;m=…;t=…;x=…`
pub(super) fn is_of_journal(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=;_-".contains(&byte))
}

/// `2026-11-21T01:22:37.123456789Z`
pub(super) fn is_time(text: &str) -> bool {
    text.len() >= 20
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_out_comes_back_and_nothing_else() {
        let given = [
            "start",
            "now",
            "j:s=0a;i=1f;b=2;m=3;t=4;x=5",
            "d:2026-11-21T01:22:37.123456789Z#2",
            "f:123:4567",
        ];
        for text in given {
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
        let long = format!("j:{}", "a".repeat(500));
        for text in
            ["", "x", "j:", "j:a b", "j:$(x)", "d:x#1", "d:2026-11-21T01:22:37Z#-1", "f:1", "f:-1:2", &long]
        {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
