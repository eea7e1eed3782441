//! Everything a run needs inside the container, as one tar stream.

use std::fmt::Write as _;

use berth_domain::container_template::{FilePolicy, TemplateFile};

use super::steps::PlannedStep;

const HELPERS: &str = include_str!("guest/helpers.sh");
const APPLY: &str = include_str!("guest/apply.sh");
const STEP: &str = include_str!("guest/step.sh");
const RUN: &str = include_str!("guest/run.sh");
const ATTACH: &str = include_str!("guest/attach.sh");
const CANCEL: &str = include_str!("guest/cancel.sh");

/// A tar archive for the run's directory: our scripts, the container template's files with their manifest, and the steps.
pub(crate) fn pack(files: &[TemplateFile], steps: &[PlannedStep]) -> std::io::Result<Vec<u8>> {
    let mut archive = Archive(tar::Builder::new(Vec::new()));
    for (name, content) in [
        ("helpers.sh", HELPERS),
        ("apply.sh", APPLY),
        ("step.sh", STEP),
        ("run.sh", RUN),
        ("attach.sh", ATTACH),
        ("cancel.sh", CANCEL),
    ] {
        archive.file(name, content.as_bytes())?;
    }
    let mut manifest = String::new();
    for (number, file) in files.iter().enumerate() {
        archive.file(&format!("files/{number:05}"), &file.content)?;
        archive.file(&format!("files/{number:05}.path"), file.path.as_str().as_bytes())?;
        let policy = match file.policy {
            FilePolicy::Replace => "replace",
            FilePolicy::Default => "default",
            FilePolicy::Backup => "backup",
        };
        writeln!(manifest, "{number:05} {:04o} {} {policy}", file.mode, file.owner)
            .expect("a string takes all that is written to it");
    }
    archive.file("files/manifest", manifest.as_bytes())?;
    for step in steps {
        archive.file(&format!("steps/{:05}/script", step.position), step.script.as_bytes())?;
        if step.kind == berth_domain::creation::StepKind::Packages {
            archive.file(&format!("steps/{:05}/packages", step.position), b"")?;
        }
    }
    archive.0.into_inner()
}

struct Archive(tar::Builder<Vec<u8>>);

impl Archive {
    fn file(&mut self, path: &str, content: &[u8]) -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        self.0.append_data(&mut header, path, content)
    }
}
