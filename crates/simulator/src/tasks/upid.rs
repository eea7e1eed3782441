//! `UPID:node:pid:pstart:starttime:type:id:user:` with pid, pstart and starttime in upper-case hexadecimal.

use std::fmt;
use std::str::FromStr;

/// The parts of a UPID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upid {
    /// Node name.
    pub node: String,
    /// Process id of the worker.
    pub pid: u32,
    /// Start of the process in clock ticks since boot.
    pub pstart: u64,
    /// Epoch seconds.
    pub starttime: i64,
    /// Such as `vzcreate`.
    pub kind: String,
    /// Usually the container; may be empty.
    pub id: String,
    /// `user@realm` or `user@realm!token`.
    pub authid: String,
}

/// The text is not a UPID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse worker upid")]
pub struct UpidError;

impl Upid {
    /// User with realm, and the token's name if there was one.
    pub fn user_and_token(&self) -> (&str, Option<&str>) {
        match self.authid.split_once('!') {
            Some((user, token)) => (user, Some(token)),
            None => (&self.authid, None),
        }
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, pid, pstart, starttime, kind, id, authid } = self;
        write!(f, "UPID:{node}:{pid:08X}:{pstart:08X}:{starttime:08X}:{kind}:{id}:{authid}:")
    }
}

impl FromStr for Upid {
    type Err = UpidError;

    fn from_str(text: &str) -> Result<Self, UpidError> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["UPID", node, pid, pstart, starttime, kind, id, authid, ""] = parts[..] else {
            return Err(UpidError);
        };
        let hex = |digits: &str, least: usize| {
            if digits.len() < least || digits.len() > 9 { None } else { u64::from_str_radix(digits, 16).ok() }
        };
        let named = !node.is_empty() && !kind.is_empty() && authid.contains('@');
        match (named, hex(pid, 8), hex(pstart, 8), hex(starttime, 8)) {
            (true, Some(pid), Some(pstart), Some(start)) => Ok(Self {
                node: node.to_owned(),
                pid: u32::try_from(pid).map_err(|_| UpidError)?,
                pstart,
                starttime: i64::try_from(start).map_err(|_| UpidError)?,
                kind: kind.to_owned(),
                id: id.to_owned(),
                authid: authid.to_owned(),
            }),
            _ => Err(UpidError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_upid_survives_the_round_trip() {
        let text = "UPID:pve:000009D3:00005416:6B00E3C3:vzcreate:102:root@pam!dash2:";
        let upid: Upid = text.parse().unwrap();
        assert_eq!((upid.pid, upid.pstart, upid.starttime), (2515, 21526, 1_795_220_419));
        assert_eq!(upid.user_and_token(), ("root@pam", Some("dash2")));
        assert_eq!(upid.to_string(), text);
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!("UPID:garbage".parse::<Upid>(), Err(UpidError));
    }
}
