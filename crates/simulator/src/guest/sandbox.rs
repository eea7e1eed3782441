//! Which isolation this machine allows, and the command that gives a guest its world.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::sync::oneshot;

/// Namespaces that are wanted, each dropped when the machine refuses it.
const NAMESPACES: [&str; 4] = ["--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-pid"];
/// Where the program of the simulator is found inside.
pub(super) const TOOL: &str = "/usr/.sim";
/// Where the machine's own `/usr` is found inside.
pub(super) const MACHINE: &str = "/usr/.machine";

type Job = (Command, oneshot::Sender<io::Result<Child>>);

/// Starts sandboxes from one thread that lives as long as the process: bubblewrap's `--die-with-parent` looks at the
/// thread that started it, and threads of the runtime come and go.
#[derive(Debug, Clone)]
pub(super) struct Spawner(mpsc::Sender<Job>);

impl Spawner {
    pub(super) fn new() -> Self {
        let (sender, jobs) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, reply) in jobs {
                // Who asked may have given up.
                let _ = reply.send(command.spawn());
            }
            // A simulator of a test may be gone before its guests: they end with this thread.
        });
        Self(sender)
    }

    pub(super) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        self.0.send((command, reply)).map_err(io::Error::other)?;
        answer.await.map_err(io::Error::other)?
    }
}

/// The command that boots `/sbin/init` of a private root with `control` as its standard input. A directory of this machine
/// may be `shared` at a place inside.
pub(super) fn command(
    root: &Path,
    hostname: &str,
    role: &str,
    control: OwnedFd,
    console: &Path,
    shared: Option<(&Path, &str)>,
) -> io::Result<Command> {
    let mut command = Command::new("bwrap");
    command.args(isolation()?);
    if isolation()?.contains(&"--unshare-uts") {
        command.args(["--hostname", hostname]);
    }
    command.arg("--bind").arg(root).arg("/");
    command.args(["--ro-bind", "/usr", MACHINE]).arg("--ro-bind").arg(tool()?).arg(TOOL);
    if let Some((directory, place)) = shared {
        command.arg("--bind").arg(directory).arg(Path::new("/").join(place));
    }
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run", "--ro-bind-try", "/sys", "/sys"]);
    command.args(["--die-with-parent", "--as-pid-1", "--setenv", super::init::ROLE, role]);
    command.args(["--unsetenv", "LD_LIBRARY_PATH", "--chdir", "/", "--", "/sbin/init"]);
    let console = std::fs::OpenOptions::new().create(true).append(true).open(console)?;
    command.stdin(control).stdout(console.try_clone()?).stderr(console);
    Ok(command)
}

fn isolation() -> io::Result<&'static [&'static str]> {
    static FOUND: OnceLock<Option<Vec<&'static str>>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let found = probe();
        match &found {
            Some(flags)
                if flags.iter().filter(|flag| NAMESPACES.contains(flag)).count() == NAMESPACES.len() => {}
            Some(flags) => {
                tracing::warn!(?flags, "this machine refuses some namespaces: guests share the rest with it");
            }
            None => tracing::error!(
                "bubblewrap (bwrap) is missing or may not make a private root here: no guest can run"
            ),
        }
        found
    });
    found
        .as_deref()
        .ok_or_else(|| io::Error::other("guests need bubblewrap: install it (apt-get install bubblewrap)"))
}

fn probe() -> Option<Vec<&'static str>> {
    let root: &[&str] = if nix::unistd::geteuid().is_root() {
        &[]
    } else {
        &["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"]
    };
    (0..=NAMESPACES.len()).map(|skip| [root, &NAMESPACES[skip..]].concat()).find(|flags| {
        let mut trial = Command::new("bwrap");
        trial.args(flags).args(["--ro-bind", "/", "/", "--dev", "/dev", "true"]);
        trial.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    })
}

/// The program that is init and every tool inside: this one, or the simulator beside a test.
fn tool() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let candidates = own.ancestors().skip(1).take(2).map(|directory| directory.join("berth-simulator"));
    std::iter::once(own.clone())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy() == "berth-simulator"))
        .chain(candidates)
        .find(|path| path.is_file())
        .ok_or_else(|| {
            io::Error::other(format!("no berth-simulator beside {}: build it first", own.display()))
        })
}
