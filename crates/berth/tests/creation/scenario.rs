//! One creation with a script that takes a while, and what must be true of it however rough its way was.

use berth_domain::CreationId;
use berth_domain::creation::{Creation, ProgressEvent};
use berth_testkit::{DEADLINE, Owner, Process, TemplateFolder, TestApp, wait_until};

pub(crate) const VMID: u32 = 250;
/// How many lines the script prints.
const LINES: usize = 30;
/// Notes that it has run, then prints a line every tenth of a second.
const SCRIPT: &str = "echo ran >>/root/ran
line=1
while [ \"$line\" -le 30 ]; do
    echo \"line $line of the script, with some words to make it longer\"
    line=$((line + 1))
    sleep 0.1
done
";

pub(crate) struct Scenario {
    pub(crate) app: TestApp,
    pub(crate) owner: Owner,
    pub(crate) id: CreationId,
}

impl Scenario {
    /// A container template whose only script is [`SCRIPT`].
    pub(crate) fn folder() -> TemplateFolder {
        TemplateFolder::new("slow").script("10-slow.sh", SCRIPT)
    }

    /// Submits a creation; nobody works on it yet.
    pub(crate) async fn submitted(folder: TemplateFolder) -> Self {
        let app = TestApp::start().await;
        let owner = app.owner().await;
        let id = app.submit(owner, &folder, VMID).await;
        Self { app, owner, id }
    }

    pub(crate) async fn creation(&self) -> Creation {
        self.app.creation(self.owner, self.id).await
    }

    /// Waits until the creation stands as `there` wants it.
    pub(crate) async fn until(&self, what: &str, there: impl Fn(&Creation) -> bool) {
        wait_until(DEADLINE, what, async || {
            let creation = self.creation().await;
            assert!(creation.state.is_live(), "{what}: it ended before: {:?}", creation.error);
            there(&creation).then_some(())
        })
        .await;
    }

    /// Waits until Berth has reported a line that begins like this.
    pub(crate) async fn until_told(&self, beginning: &str) {
        wait_until(DEADLINE, beginning, async || {
            let told = |event: &ProgressEvent| matches!(event, ProgressEvent::Line { step: None, text, .. } if text.starts_with(beginning));
            self.app.events(self.id).await.iter().any(|(_, event)| told(event)).then_some(())
        })
        .await;
    }

    /// Waits until the script has printed some of its lines.
    pub(crate) async fn until_mid_script(&self) {
        wait_until(DEADLINE, "the script prints", async || {
            (self.app.printed(self.id, 0).await.len() >= 5).then_some(())
        })
        .await;
        let printed = self.app.printed(self.id, 0).await.len();
        assert!(printed < LINES, "the script was over too soon");
    }

    /// Waits until the creation is ready, starting a worker that fails anew, as systemd does.
    pub(crate) async fn see_through(&self, worker: Process) -> Process {
        let mut worker = worker;
        wait_until(DEADLINE, "the creation ends", async || {
            if let Some(ended) = worker.ended() {
                let log = worker.log();
                assert_eq!(ended.code(), Some(1), "a worker ends by itself only with an error: {log}");
                worker = self.app.worker().await;
            }
            (!self.creation().await.state.is_live()).then_some(())
        })
        .await;
        self.app.ready(self.owner, self.id).await;
        worker
    }

    /// One container, ready; the script ran once and its lines are complete, in order, none twice.
    pub(crate) async fn assert_whole(&self) {
        let Self { app, owner, id } = self;
        app.ready(*owner, *id).await;
        assert_eq!(app.simulator.requests("POST /nodes/pve/lxc").await, 1, "creates that were asked for");
        assert_eq!(app.simulator.containers().await, [101, VMID]);
        assert_eq!(app.simulator.shell(VMID, "cat /root/ran").await, "ran\n");
        let expected: Vec<String> = (1..=LINES)
            .map(|line| format!("line {line} of the script, with some words to make it longer"))
            .collect();
        assert_eq!(app.printed(*id, 0).await, expected);
        self.assert_orderly().await;
    }

    /// Numbers without gaps, phases that only go on, one end.
    async fn assert_orderly(&self) {
        let events = self.app.events(self.id).await;
        let numbers: Vec<i64> = events.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
        let phases: Vec<_> = events
            .iter()
            .filter_map(
                |(_, event)| if let ProgressEvent::Phase { phase, .. } = event { Some(*phase) } else { None },
            )
            .collect();
        assert!(phases.is_sorted(), "{phases:?}");
        assert_eq!(events.iter().filter(|(_, event)| event.is_terminal()).count(), 1);
        assert_eq!(events.last().map(|(_, event)| event), Some(&ProgressEvent::Complete));
    }
}
