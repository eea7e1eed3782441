//! The dashboards of those who look, kept up to date in this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use berth_domain::{NodeId, UserId};
use berth_store::changes::{Change, Changes};
use berth_store::guests::{self, News, Version};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::Dashboard;
use super::build::{self, Sightings, Stored};
use super::refresh::{self, Asked};
use crate::{Context, Result};

/// How long somebody counts as looking after a page or a sign of life of a stream.
const LOOKS: Duration = Duration::from_secs(30);
/// How long the dashboard of somebody who does not look is kept.
const KEEP: Duration = Duration::from_mins(5);
/// A dashboard is put together anew after so long even if nothing was heard: the net for a word that was lost.
const NET: Duration = Duration::from_secs(30);
/// After somebody has changed something, so long what is stored is read each time: their own change must not wait for its announcement.
const OWN_CHANGE: Duration = Duration::from_secs(2);
/// How often it is looked for nodes that are due.
const LOOK: Duration = Duration::from_millis(250);
/// How soon a node is tried again that another process asks, or that could not be asked for our own reasons.
const AGAIN: Duration = Duration::from_secs(1);
/// How many nodes one process asks at once.
const AT_ONCE: usize = 32;
/// How many of those are one person's: the others need not wait for nodes that hang.
const SHARE: usize = 8;

/// The dashboards of those who look. Clones share them; the last one ends the asking.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
    _tasks: Arc<[AbortOnDropHandle<()>; 2]>,
}

struct Shared {
    ctx: Context,
    entries: Mutex<HashMap<UserId, Arc<Entry>>>,
    /// Counts what may have gone unheard.
    unheard: AtomicU64,
    asking: Arc<Semaphore>,
}

/// What is kept of one person.
struct Entry {
    user: UserId,
    looked: Mutex<Looked>,
    rows: AtomicU64,
    guests: AtomicU64,
    built: tokio::sync::Mutex<Built>,
    /// Told of each change; the dashboard itself is built when somebody wants it.
    changed: watch::Sender<()>,
    due: Mutex<HashMap<NodeId, Due>>,
    asking: Arc<Semaphore>,
}

/// When a node is asked.
#[derive(Clone, Copy)]
enum Due {
    At(Instant),
    /// It is being asked now.
    Asking,
    /// It is being asked, and was edited meanwhile.
    AskingInVain,
}

struct Looked {
    at: Instant,
    changed_at: Option<Instant>,
}

#[derive(Default)]
struct Built {
    stored: Stored,
    sightings: Sightings,
    versions: HashMap<NodeId, Version>,
    state: Option<State>,
    dashboard: Arc<Dashboard>,
}

/// Of what a dashboard was built.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    rows: u64,
    guests: u64,
    at: Instant,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Live({} kept)", self.shared.entries().len())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// Listens for changes, and asks the nodes of those who look, until the last clone is dropped.
    pub async fn start(ctx: Context) -> Result<Self> {
        let changes = Changes::listen(&ctx.pg).await?;
        let shared = Arc::new(Shared {
            ctx,
            entries: Mutex::default(),
            unheard: AtomicU64::new(0),
            asking: Arc::new(Semaphore::new(AT_ONCE)),
        });
        let listening = tokio::spawn(listen(Arc::downgrade(&shared), changes));
        let asking = tokio::spawn(ask_what_is_due(Arc::downgrade(&shared)));
        let tasks = [listening, asking].map(AbortOnDropHandle::new);
        Ok(Self { shared, _tasks: Arc::new(tasks) })
    }

    /// Somebody's dashboard as it is known now. No node is asked for it; whoever calls counts as looking.
    pub async fn dashboard(&self, user: UserId) -> Result<Arc<Dashboard>> {
        let entry = self.shared.entry(user);
        locked(&entry.looked).at = Instant::now();
        self.shared.dashboard(&entry).await
    }

    /// Tells of each change of somebody's dashboard, and counts them as looking until it is dropped. Several changes may be told as one.
    pub fn watch(&self, user: UserId) -> Watch {
        let entry = self.shared.entry(user);
        locked(&entry.looked).at = Instant::now();
        Watch { changed: entry.changed.subscribe(), entry }
    }

    /// Notes that somebody is changing something: what they see next has it.
    pub fn changing(&self, user: UserId) {
        let entry = self.shared.entries().get(&user).cloned();
        if let Some(entry) = entry {
            locked(&entry.looked).changed_at = Some(Instant::now());
        }
    }
}

/// Somebody who looks on.
pub struct Watch {
    changed: watch::Receiver<()>,
    entry: Arc<Entry>,
}

impl Watch {
    /// Waits for a change, and keeps the watcher counted as looking.
    pub async fn next(&mut self) {
        loop {
            locked(&self.entry.looked).at = Instant::now();
            if let Ok(Ok(())) = tokio::time::timeout(LOOKS / 3, self.changed.changed()).await {
                return;
            }
        }
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Entry>>> {
        locked(&self.entries)
    }

    fn entry(&self, user: UserId) -> Arc<Entry> {
        let mut entries = self.entries();
        let entry = entries.entry(user).or_insert_with(|| {
            Arc::new(Entry {
                user,
                looked: Mutex::new(Looked { at: Instant::now(), changed_at: None }),
                rows: AtomicU64::new(1),
                guests: AtomicU64::new(1),
                built: tokio::sync::Mutex::default(),
                changed: watch::Sender::new(()),
                due: Mutex::default(),
                asking: Arc::new(Semaphore::new(SHARE)),
            })
        });
        entry.clone()
    }

    async fn dashboard(&self, entry: &Entry) -> Result<Arc<Dashboard>> {
        let mut built = entry.built.lock().await;
        // Read before the data: what changes meanwhile is read again.
        let unheard = self.unheard.load(Ordering::Acquire);
        let now = State {
            rows: entry.rows.load(Ordering::Acquire) + unheard,
            guests: entry.guests.load(Ordering::Acquire) + unheard,
            at: Instant::now(),
        };
        let last = built.state.filter(|state| now.at - state.at < NET);
        let own_change = locked(&entry.looked).changed_at.is_some_and(|at| at.elapsed() < OWN_CHANGE);
        let rows_are_good = !own_change && last.is_some_and(|state| state.rows == now.rows);
        let guests_are_good = last.is_some_and(|state| state.guests == now.guests);
        if rows_are_good && guests_are_good {
            return Ok(built.dashboard.clone());
        }
        if !rows_are_good {
            built.stored = build::stored(&self.ctx.pg, entry.user, self.ctx.clock.now()).await?;
        }
        built.read_sightings(&self.ctx).await?;
        let mut dashboard = build::dashboard(&built.stored, &built.sightings, self.ctx.clock.now());
        dashboard.version = built.dashboard.version;
        if dashboard != *built.dashboard {
            dashboard.version += 1;
            built.dashboard = Arc::new(dashboard);
        }
        built.state = Some(now);
        Ok(built.dashboard.clone())
    }

    /// Those who look, with the nodes that are due.
    fn due(&self) -> Vec<(Arc<Entry>, NodeId)> {
        let mut entries = self.entries();
        entries.retain(|_, entry| {
            locked(&entry.looked).at.elapsed() < KEEP || entry.changed.receiver_count() > 0
        });
        let looking: Vec<_> =
            entries.values().filter(|entry| locked(&entry.looked).at.elapsed() < LOOKS).cloned().collect();
        drop(entries);
        let mut due = Vec::new();
        for entry in looking {
            // Somebody is building it: next time.
            let Ok(built) = entry.built.try_lock() else { continue };
            let mut times = locked(&entry.due);
            times.retain(|id, due| {
                !matches!(due, Due::At(_)) || built.stored.nodes.iter().any(|node| node.id == *id)
            });
            let now = Instant::now();
            for node in &built.stored.nodes {
                let time = times.entry(node.id).or_insert(Due::At(now));
                if matches!(time, Due::At(at) if *at <= now) {
                    *time = Due::Asking;
                    due.push((entry.clone(), node.id));
                }
            }
        }
        due
    }
}

impl Built {
    async fn read_sightings(&mut self, ctx: &Context) -> Result<()> {
        let wanted: Vec<_> =
            self.stored.nodes.iter().map(|node| (node.id, self.versions.get(&node.id).copied())).collect();
        self.sightings.retain(|id, _| wanted.iter().any(|(node, _)| node == id));
        self.versions.retain(|id, _| wanted.iter().any(|(node, _)| node == id));
        let news = guests::read(&ctx.redis, &wanted).await?;
        for ((node, _), news) in wanted.into_iter().zip(news) {
            match news {
                News::Same => {}
                News::Nothing => {
                    self.sightings.remove(&node);
                    self.versions.remove(&node);
                }
                News::New(version, sighting) => {
                    self.sightings.insert(node, Arc::new(sighting));
                    self.versions.insert(node, version);
                }
            }
        }
        Ok(())
    }
}

async fn listen(shared: Weak<Shared>, mut changes: Changes) {
    loop {
        let change = changes.next().await;
        let Some(shared) = shared.upgrade() else { return };
        let told: Vec<Arc<Entry>> = match change {
            Change::Rows(user) | Change::Guests(user) => {
                shared.entries().get(&user).cloned().into_iter().collect()
            }
            Change::Unheard => {
                shared.unheard.fetch_add(1, Ordering::AcqRel);
                shared.entries().values().cloned().collect()
            }
        };
        for entry in told {
            match change {
                Change::Rows(_) => {
                    entry.rows.fetch_add(1, Ordering::AcqRel);
                    // A node may be new, or another by now; of the others it is nobody's turn yet.
                    let mut times = locked(&entry.due);
                    times.retain(|_, due| !matches!(due, Due::At(_)));
                    times.values_mut().for_each(|due| *due = Due::AskingInVain);
                }
                Change::Guests(_) => drop(entry.guests.fetch_add(1, Ordering::AcqRel)),
                Change::Unheard => {}
            }
            entry.changed.send_replace(());
        }
    }
}

async fn ask_what_is_due(shared: Weak<Shared>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        for (entry, node) in shared.due() {
            let (ctx, asking) = (shared.ctx.clone(), shared.asking.clone());
            tokio::spawn(async move {
                // First one's own: who waits there keeps nobody else waiting.
                let Ok(_own) = entry.asking.clone().acquire_owned().await else { return };
                let Ok(_permit) = asking.acquire_owned().await else { return };
                let begun = Instant::now();
                let next = match refresh::ask(&ctx, entry.user, node).await {
                    Ok(Asked::Answered(next)) => next,
                    Ok(Asked::NotOurTurn) => AGAIN,
                    Err(error) => {
                        tracing::warn!(%node, %error, "cannot keep what a node says, trying again");
                        AGAIN
                    }
                };
                let mut times = locked(&entry.due);
                let in_vain = matches!(times.get(&node), Some(Due::AskingInVain));
                times.insert(node, Due::At(if in_vain { begun } else { begun + next }));
            });
        }
    }
}
