//! Reads what `guest/attach.sh` reports.

use bytes::{Buf, BytesMut};

/// One report of a run inside a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Values to mask from here on.
    Secrets(Vec<String>),
    /// A step began, at this Unix time in seconds.
    Started { step: u32, at: i64 },
    /// A step printed these bytes.
    Output { step: u32, bytes: Vec<u8> },
    /// A step ended with this exit code, at this Unix time in seconds.
    Ended { step: u32, code: i32, at: i64 },
    /// The run ended.
    Finished,
    /// The run was cut off.
    CutOff(String),
}

/// The report is not what `attach.sh` prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the container answered with something unexpected: {0:?}")]
pub(crate) struct BadFrame(String);

const LONGEST_HEADER: usize = 256;
const LONGEST_BODY: usize = 1 << 20;

/// Takes bytes as they arrive, in pieces of any size, and gives frames.
#[derive(Debug, Default)]
pub(crate) struct FrameReader(BytesMut);

impl FrameReader {
    /// Adds what has arrived.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, BadFrame> {
        let Some(end) = self.0.iter().position(|byte| *byte == b'\n') else {
            return if self.0.len() > LONGEST_HEADER { Err(self.bad()) } else { Ok(None) };
        };
        let header = String::from_utf8_lossy(&self.0[..end]).into_owned();
        let words: Vec<&str> = header.split(' ').collect();
        let body_length = match words[..] {
            ["K", length] | ["L", _, length] => Some(
                length
                    .parse()
                    .ok()
                    .filter(|length| *length <= LONGEST_BODY)
                    .ok_or_else(|| BadFrame(header.clone()))?,
            ),
            _ => None,
        };
        if self.0.len() < end + 1 + body_length.unwrap_or(0) {
            return Ok(None);
        }
        self.0.advance(end + 1);
        let body = self.0.split_to(body_length.unwrap_or(0));
        Self::parse(&words, &body).ok_or(BadFrame(header)).map(Some)
    }

    fn parse(words: &[&str], body: &[u8]) -> Option<Frame> {
        Some(match words {
            ["K", _] => Frame::Secrets(String::from_utf8_lossy(body).lines().map(str::to_owned).collect()),
            ["S", step, at] => Frame::Started { step: step.parse().ok()?, at: at.parse().ok()? },
            ["L", step, _] => Frame::Output { step: step.parse().ok()?, bytes: body.to_vec() },
            ["E", step, code, at] => {
                Frame::Ended { step: step.parse().ok()?, code: code.parse().ok()?, at: at.parse().ok()? }
            }
            ["F"] => Frame::Finished,
            ["X", reason] => Frame::CutOff((*reason).to_owned()),
            _ => return None,
        })
    }

    fn bad(&self) -> BadFrame {
        BadFrame(String::from_utf8_lossy(&self.0[..LONGEST_HEADER.min(self.0.len())]).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(reader: &mut FrameReader) -> Vec<Frame> {
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    proptest! {
        #[test]
        fn frames_survive_any_chopping(output: Vec<u8>, cuts in prop::collection::vec(1usize..20, 0..40)) {
            let mut stream = b"K 5\nab\ncdS 0 1700000000\n".to_vec();
            stream.extend_from_slice(format!("L 0 {}\n", output.len()).as_bytes());
            stream.extend_from_slice(&output);
            stream.extend_from_slice(b"E 0 3 1700000005\nF\n");
            let mut reader = FrameReader::default();
            let mut frames = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                reader.push(now);
                frames.extend(read_all(&mut reader));
                rest = later;
            }
            reader.push(rest);
            frames.extend(read_all(&mut reader));
            prop_assert_eq!(frames, vec![
                Frame::Secrets(vec!["ab".into(), "cd".into()]),
                Frame::Started { step: 0, at: 1_700_000_000 },
                Frame::Output { step: 0, bytes: output },
                Frame::Ended { step: 0, code: 3, at: 1_700_000_005 },
                Frame::Finished,
            ]);
        }

        #[test]
        fn nonsense_is_refused_without_panic(bytes: Vec<u8>) {
            let mut reader = FrameReader::default();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next() {}
        }
    }

    #[test]
    fn an_endless_header_is_refused() {
        let mut reader = FrameReader::default();
        reader.push(&[b'x'; 1000]);
        assert!(reader.next().is_err());
    }
}
