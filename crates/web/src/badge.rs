//! The states a page can show. Each has a colour, a shape and a word, so that none depends on seeing colours.

/// What a badge says about a container, a creation, a step or a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being made.
    Creating,
    /// Up.
    Running,
    /// Down on purpose.
    Stopped,
    /// Failed.
    Error,
    /// Its node does not answer.
    Unknown,
    /// Berth knows it, Proxmox no longer does.
    Gone,
    /// Not begun.
    Waiting,
    /// Finished well.
    Done,
}

impl State {
    /// The word a reader sees.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Running => "Running",
            Self::Stopped => "Stopped",
            Self::Error => "Error",
            Self::Unknown => "Unknown",
            Self::Gone => "Gone",
            Self::Waiting => "Waiting",
            Self::Done => "Done",
        }
    }

    /// The name of its CSS class, `state-…`, which is also the name of its shape.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::Gone => "gone",
            Self::Waiting => "waiting",
            Self::Done => "done",
        }
    }
}

/// How full something is: amber from 70 %, red from 90 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// Whole percent, 0 to 100.
    pub percent: u8,
}

impl Meter {
    /// The share that `used` is of `total`; nothing of nothing is empty.
    pub fn of(used: u64, total: u64) -> Self {
        let percent = used.saturating_mul(100).checked_div(total).unwrap_or(0).min(100);
        Self { percent: u8::try_from(percent).unwrap_or(100) }
    }

    /// The CSS class of its colour.
    pub fn class(self) -> &'static str {
        match self.percent {
            90.. => "meter meter-red",
            70..90 => "meter meter-amber",
            _ => "meter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_warn_at_their_thresholds() {
        assert_eq!(Meter::of(69, 100).class(), "meter");
        assert_eq!(Meter::of(70, 100).class(), "meter meter-amber");
        assert_eq!(Meter::of(90, 100).class(), "meter meter-red");
        assert_eq!(Meter::of(5, 0).percent, 0);
        assert_eq!(Meter::of(u64::MAX, 1).percent, 100);
    }
}
