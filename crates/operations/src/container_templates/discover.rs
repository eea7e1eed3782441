//! Reads all folders, one after the other: at no time is more than a few of them in memory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use berth_domain::container_template::ContainerTemplate;
use berth_store::container_templates::{Put, Sync};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use tokio::time::Instant;

use super::changes::{Change, compared};
use super::folder::{self, Folder, Listing};
use super::{Problem, conf, contents};
use crate::{Context, Error, Result};

/// Reading may take so long; below the deadline of a page. A disk that hangs must not take Berth with it.
const LIMIT: Duration = Duration::from_secs(20);

/// Held by the thread that reads: while a disk hangs there is one such thread, however often somebody asks.
static READING: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// What reading the folders has changed, by name, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// New ones.
    pub added: Vec<String>,
    /// Those that are different now.
    pub changed: Vec<Change>,
    /// Those whose folder is gone.
    pub removed: Vec<String>,
    /// How many are what they were.
    pub same: usize,
    /// Those with problems that stay as they were read before; another one with problems is not there at all.
    pub kept: Vec<String>,
    /// What could not be read, by folder, file and line.
    pub problems: Vec<Problem>,
}

/// What the reading thread has to tell.
enum Told {
    Unreadable(Problem),
    Listed(Listing),
    Read { name: String, recipe: Option<Box<ContainerTemplate>>, problems: Vec<Problem> },
}

/// Reads all folders anew. One that has problems keeps what was read of it before, if anything; a folder of folders that cannot
/// be read changes nothing.
pub async fn discover(ctx: &Context) -> Result<Report> {
    discover_within(ctx, LIMIT).await
}

/// [`discover`], with what has been read by then. Folders that have not stay as they were, and the report says so.
pub async fn discover_within(ctx: &Context, limit: Duration) -> Result<Report> {
    let until = Instant::now() + limit;
    let root = ctx.settings.container_templates.clone();
    let Ok(reading) = tokio::time::timeout_at(until, Arc::clone(&READING).lock_owned()).await else {
        return Ok(only(Problem::new(&root.to_string_lossy(), None, "is still being read: try again later")));
    };
    let (sender, mut told) = mpsc::channel(1);
    let thread_root = root.clone();
    // Not waited for: it ends when nobody listens any more.
    drop(tokio::task::spawn_blocking(move || read_all(&thread_root, &sender, reading)));
    let report = take(ctx, &root, &mut told, until).await?;
    for problem in &report.problems {
        tracing::warn!(%problem, "container template not read");
    }
    Ok(report)
}

fn only(problem: Problem) -> Report {
    Report { problems: vec![problem], ..Report::default() }
}

async fn take(ctx: &Context, root: &Path, told: &mut mpsc::Receiver<Told>, until: Instant) -> Result<Report> {
    let listing = match tokio::time::timeout_at(until, told.recv()).await {
        Ok(Some(Told::Listed(listing))) => listing,
        Ok(Some(Told::Unreadable(problem))) => return Ok(only(problem)),
        Ok(_) => return Err(Error::Internal("the thread that reads container templates has died".into())),
        Err(_) => return Ok(only(too_slow(root, "nothing was read"))),
    };
    let now = ctx.clock.now();
    let mut report = Report { problems: listing.problems, ..Report::default() };
    let mut sync = Sync::begin(&ctx.pg).await?;
    let mut unread: std::collections::BTreeSet<String> =
        listing.folders.into_iter().map(|(name, _)| name).chain(listing.broken).collect();
    loop {
        match tokio::time::timeout_at(until, told.recv()).await {
            Ok(Some(Told::Read { name, recipe, problems })) => {
                report.problems.extend(problems);
                if let Some(recipe) = recipe {
                    unread.remove(&name);
                    match sync.put(&recipe, now).await? {
                        Put::Same => report.same += 1,
                        Put::Added => report.added.push(name),
                        Put::Changed { old, new } => report.changed.push(compared(old.as_deref(), &new)),
                    }
                }
            }
            Ok(_) => break,
            Err(_) => {
                report.problems.push(too_slow(root, "what was not reached stays as it was"));
                break;
            }
        }
    }
    for name in unread {
        if sync.keep(&name).await? {
            report.kept.push(name);
        }
    }
    report.removed = sync.finish().await?;
    Ok(report)
}

fn too_slow(root: &Path, consequence: &str) -> Problem {
    let message = format!("could not be read in time, {consequence}: is its disk all right?");
    Problem::new(&root.to_string_lossy(), None, &message)
}

/// Tells what is below `root` until nobody listens.
fn read_all(root: &Path, told: &mpsc::Sender<Told>, reading: OwnedMutexGuard<()>) {
    let _one_at_a_time = reading;
    let listing = match root.canonicalize().and_then(|root| folder::list(&root)) {
        Ok(listing) => listing,
        Err(error) => {
            let message = format!("cannot be read ({error}): check BERTH_CONTAINER_TEMPLATES");
            let problem = Problem::new(&root.to_string_lossy(), None, &message);
            let _ = told.blocking_send(Told::Unreadable(problem));
            return;
        }
    };
    let folders = listing.folders.clone();
    let mut listens = told.blocking_send(Told::Listed(listing)).is_ok();
    for (name, path) in folders {
        if !listens {
            return;
        }
        let (recipe, problems) = read_one(name.clone(), path);
        listens = told.blocking_send(Told::Read { name, recipe: recipe.map(Box::new), problems }).is_ok();
    }
}

/// A container template, or what is wrong with it.
pub(super) fn read_one(name: String, path: PathBuf) -> (Option<ContainerTemplate>, Vec<Problem>) {
    let mut folder = Folder::new(name, path);
    let recipe = read_parts(&mut folder).filter(|_| folder.is_flawless());
    (recipe, folder.into_problems())
}

fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
}

fn read_parts(folder: &mut Folder) -> Option<ContainerTemplate> {
    if !is_name(&folder.name) {
        folder.problem("", None, "a folder's name has lower-case letters, digits and dashes, at most 60");
        return None;
    }
    folder.check_entries();
    let conf = conf::read(folder);
    let (packages, installers) = contents::packages(folder);
    let scripts = contents::scripts(folder);
    let files = contents::files(folder);
    let conf = conf?;
    Some(ContainerTemplate {
        name: folder.name.clone(),
        title: conf.title,
        description: conf.description,
        tags: conf.tags,
        defaults: conf.defaults,
        packages,
        installers,
        scripts,
        files,
    })
}
