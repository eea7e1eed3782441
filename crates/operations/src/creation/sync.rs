//! Syncing: packages and scripts run detached inside the container, and this follows them from the last byte that is stored.

use std::collections::VecDeque;

use berth_domain::creation::{LineLevel, Phase, ProgressEvent, Step, StepState};
use berth_proxmox::pct::PctExec;
use berth_proxmox::ssh::{ExecEvent, Stdin};
use berth_store::creations;
use berth_store::progress::LogOffset;

use super::create;
use super::deploy;
use super::failure::{Failure, Outcome};
use super::frames::{Frame, FrameReader};
use super::job::Job;
use super::lines::{LineCutter, Mask};
use super::order::Order;

/// Output beyond this many events of one creation is not stored: a script that prints without end must not fill the database.
const MOST_EVENTS: i64 = 300_000;
/// Nor beyond this many bytes of one step: its lines may be long.
const MOST_BYTES: u64 = 64 << 20;
/// How much of what the following itself complains about is kept.
const COMPLAINTS: usize = 2000;
/// How many of a failed step's last lines stand in its error.
const TAIL: usize = 3;

pub(super) async fn run(job: &mut Job) -> Outcome<()> {
    let records = job.steps().await?;
    let Some(first) = records.iter().position(|record| record.step.state != StepState::Done) else {
        return Ok(());
    };
    if job.creation.attempt > 0 {
        // A retry has a directory of its own, and does not go through deploying when that was done.
        deploy::bring(job).await?;
    }
    let stream = attach(job, records[first].step.position, records[first].log_offset).await?;
    let unfinished = records
        .iter()
        .map(|record| &record.step)
        .filter(|step| step.state != StepState::Done)
        .map(|step| step.position);
    let mut follower = Follower {
        order: Order::of(unfinished),
        steps: records.iter().map(|record| record.step.clone()).collect(),
        cutter: LineCutter::at(records[first].log_offset),
        mask: Mask::default(),
        tail: VecDeque::new(),
        truncated: false,
    };
    follower.follow(job, stream).await
}

/// Launches the run unless it has been, and reports it from there on.
async fn attach(job: &mut Job, step: u32, offset: u64) -> Outcome<PctExec> {
    let (script, unit, vmid) =
        (format!("{}/attach.sh", job.run_directory()), job.unit(), job.creation.spec.vmid);
    let (step, offset) = (step.to_string(), offset.to_string());
    let pct = job.pct().await?;
    Ok(pct.exec(vmid, &["sh", &script, &unit, &step, &offset], Stdin::Empty).await?)
}

/// Ends what runs inside the container, when its owner has cancelled the creation.
pub(super) async fn cancel(job: &mut Job) -> Outcome<()> {
    create::still_ours(job).await?;
    let script = format!("[ ! -e {0}/cancel.sh ] || sh {0}/cancel.sh \"$1\"", job.run_directory());
    let unit = job.unit();
    job.shell(&script, &[&unit], Stdin::Empty, std::time::Duration::from_secs(30)).await.map(drop)
}

struct Follower {
    order: Order,
    steps: Vec<Step>,
    cutter: LineCutter,
    mask: Mask,
    tail: VecDeque<String>,
    truncated: bool,
}

impl Follower {
    async fn follow(&mut self, job: &mut Job, mut stream: PctExec) -> Outcome<()> {
        let mut reader = FrameReader::default();
        let mut complaints = Vec::new();
        while let Some(event) = stream.next().await? {
            match event {
                ExecEvent::Stdout(bytes) => reader.push(&bytes),
                ExecEvent::Stderr(bytes) => {
                    let room = COMPLAINTS.saturating_sub(complaints.len());
                    complaints.extend_from_slice(&bytes[..bytes.len().min(room)]);
                }
                ExecEvent::Exit(_) => {}
            }
            while let Some(frame) = reader.next().map_err(|error| Failure::broken(error.to_string()))? {
                if self.handle(job, frame).await? {
                    return self.verdict();
                }
            }
        }
        let complaints = String::from_utf8_lossy(&complaints);
        Err(Failure::broken(format!(
            "the run inside the container could not be followed: {}",
            complaints.trim()
        )))
    }

    /// Whether that was the last frame.
    async fn handle(&mut self, job: &mut Job, frame: Frame) -> Outcome<bool> {
        self.order.check(&frame).map_err(Failure::Broken)?;
        match frame {
            Frame::Secrets(values) => self.mask.set(values),
            Frame::Started { step, .. } => self.started(job, step).await?,
            Frame::Output { step, bytes } => {
                let from = self.cutter.offset();
                let lines = self.cutter.push(&bytes);
                self.store(job, LogOffset { step, from, to: self.cutter.offset() }, lines).await?;
            }
            Frame::Ended { step, code, at } => self.ended(job, step, code, at).await?,
            Frame::Finished => return Ok(true),
            Frame::CutOff(reason) => return Err(self.cut_off(&reason)),
        }
        Ok(false)
    }

    fn step(&mut self, position: u32) -> Outcome<&mut Step> {
        self.steps.iter_mut().find(|step| step.position == position).ok_or_else(|| {
            Failure::broken(format!(
                "the container reports a step {position} that this creation does not have"
            ))
        })
    }

    async fn started(&mut self, job: &mut Job, position: u32) -> Outcome<()> {
        let step = self.step(position)?;
        if step.state == StepState::Running {
            return Ok(());
        }
        step.state = StepState::Running;
        let event = ProgressEvent::Step {
            index: position,
            name: step.name.clone(),
            state: StepState::Running,
            seconds: None,
        };
        self.tail.clear();
        creations::step_started(&job.ctx.pg, job.creation.id, &job.owner, position).await?;
        job.emit(&[event]).await.map(drop)
    }

    /// Stores lines together with the offset up to which they are the step's log.
    async fn store(&mut self, job: &mut Job, offset: LogOffset, lines: Vec<String>) -> Outcome<()> {
        if offset.from == offset.to {
            return Ok(());
        }
        let lines: Vec<String> = lines.into_iter().map(|line| self.mask.apply(line)).collect();
        for line in lines.iter().filter(|line| !line.trim().is_empty()) {
            self.tail.push_back(line.clone());
        }
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        let events: Vec<_> = if self.truncated {
            Vec::new()
        } else {
            lines
                .into_iter()
                .map(|text| ProgressEvent::Line { step: Some(offset.step), level: LineLevel::Out, text })
                .collect()
        };
        let stored = job.emit_at(&events, Some(offset)).await?;
        let too_many = stored.last().is_some_and(|event| event.seq > MOST_EVENTS) || offset.to > MOST_BYTES;
        if too_many && !self.truncated {
            self.truncated = true;
            job.warn("This creation has printed very much: further output of its scripts is not kept")
                .await?;
        }
        Ok(())
    }

    async fn ended(&mut self, job: &mut Job, position: u32, code: i32, at: i64) -> Outcome<()> {
        let from = self.cutter.offset();
        if let Some(last) = self.cutter.finish() {
            self.store(job, LogOffset { step: position, from, to: self.cutter.offset() }, vec![last]).await?;
        }
        self.cutter = LineCutter::default();
        let state = if code == 0 { StepState::Done } else { StepState::Failed };
        let step = self.step(position)?;
        (step.state, step.exit_code) = (state, Some(code));
        let began = step.started_at.map_or(at, time::OffsetDateTime::unix_timestamp);
        let seconds = at.checked_sub(began).and_then(|seconds| u64::try_from(seconds).ok());
        let event = ProgressEvent::Step { index: position, name: step.name.clone(), state, seconds };
        creations::step_finished(&job.ctx.pg, job.creation.id, &job.owner, position, Some(code)).await?;
        job.emit(&[event]).await?;
        let done = self.steps.iter().filter(|step| step.state == StepState::Done).count();
        job.set_phase(Phase::Syncing, Phase::Syncing.percent_at(done, self.steps.len())).await
    }

    fn verdict(&self) -> Outcome<()> {
        let Some(step) = self.steps.iter().find(|step| step.state != StepState::Done) else { return Ok(()) };
        let code = step
            .exit_code
            .map_or_else(|| "without an exit code".to_owned(), |code| format!("with exit code {code}"));
        let last = match self.tail.len() {
            0 => "It printed nothing.".to_owned(),
            _ => format!("Its last words: {}", self.tail.iter().cloned().collect::<Vec<_>>().join(" / ")),
        };
        Err(Failure::broken(format!("{} failed {code}. {last}", step.name)))
    }

    fn cut_off(&self, reason: &str) -> Failure {
        let running =
            self.steps.iter().find(|step| step.state == StepState::Running).map(|step| step.name.as_str());
        match (reason, running) {
            ("never-started", _) => Failure::broken(
                "the container does not start what it is given: neither systemd-run nor setsid works in it",
            ),
            (_, Some(step)) => Failure::broken(format!(
                "{step} was cut off: the container was stopped or restarted meanwhile. Retry runs it again"
            )),
            (_, None) => Failure::broken(
                "the run was cut off: the container was stopped or restarted meanwhile. Retry goes on with it",
            ),
        }
    }
}
