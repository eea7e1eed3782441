//! The order in which a run reports. What a container sends is foreign: it is held to the steps that it was given.

use std::collections::VecDeque;

use super::frames::Frame;

/// More values than this nobody masks: each line of output is searched for each of them.
const MOST_SECRETS: usize = 1000;

/// Which report may come next: the steps in order, each begun and ended once, nothing after one that failed.
#[derive(Debug)]
pub(crate) struct Order {
    waiting: VecDeque<u32>,
    running: bool,
    failed: bool,
}

impl Order {
    /// For a run of these steps.
    pub(crate) fn of(steps: impl IntoIterator<Item = u32>) -> Self {
        Self { waiting: steps.into_iter().collect(), running: false, failed: false }
    }

    /// Takes a report in; the text says what is wrong with one that cannot come now.
    pub(crate) fn check(&mut self, frame: &Frame) -> Result<(), String> {
        let next = self.waiting.front().copied();
        let ours = |step: u32| next == Some(step) && !self.failed;
        let (step, fits) = match *frame {
            Frame::Started { step, .. } => (step, ours(step) && !self.running),
            Frame::Output { step, .. } | Frame::Ended { step, .. } => (step, ours(step) && self.running),
            Frame::Secrets(ref values) if values.len() > MOST_SECRETS => {
                return Err(format!(
                    "the scripts keep {} secrets and at most {MOST_SECRETS} can be masked in the log",
                    values.len()
                ));
            }
            Frame::Secrets(_) | Frame::Finished | Frame::CutOff(_) => return Ok(()),
        };
        if !fits {
            return Err(format!("the container reports step {step} out of turn"));
        }
        match *frame {
            Frame::Started { .. } => self.running = true,
            Frame::Ended { code, .. } => {
                self.running = false;
                self.failed = code != 0;
                self.waiting.pop_front();
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(step: u32) -> Frame {
        Frame::Started { step, at: 0 }
    }

    fn output(step: u32) -> Frame {
        Frame::Output { step, bytes: b"x\n".to_vec() }
    }

    fn ended(step: u32, code: i32) -> Frame {
        Frame::Ended { step, code, at: 0 }
    }

    /// How many of the reports are taken before one is refused.
    fn taken(steps: &[u32], frames: &[Frame]) -> usize {
        let mut order = Order::of(steps.iter().copied());
        frames.iter().take_while(|frame| order.check(frame).is_ok()).count()
    }

    #[test]
    fn a_run_reports_its_steps_in_order() {
        let run = [started(1), output(1), output(1), ended(1, 0), started(2), ended(2, 3), Frame::Finished];
        assert_eq!(taken(&[1, 2, 3], &run), run.len());
    }

    #[test]
    fn what_comes_out_of_turn_is_refused() {
        for frames in [
            [started(2)].as_slice(),
            &[output(1)],
            &[ended(1, 0)],
            &[started(1), started(1)],
            &[started(1), output(2)],
            &[started(1), ended(1, 0), started(1)],
            &[started(1), ended(1, 0), ended(1, 0)],
            &[started(1), ended(1, 7), started(2)],
            &[started(1), ended(1, 7), started(1)],
        ] {
            assert_eq!(taken(&[1, 2], frames), frames.len() - 1, "{frames:?}");
        }
    }

    #[test]
    fn endless_secrets_are_refused() {
        let secrets = |count: usize| Frame::Secrets(vec!["abcd".into(); count]);
        assert_eq!(taken(&[], &[secrets(MOST_SECRETS), secrets(MOST_SECRETS + 1)]), 1);
    }
}
