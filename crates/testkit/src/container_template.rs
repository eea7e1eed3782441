//! A container template on disk.

use std::fmt::Write as _;
use std::path::Path;

/// A folder as `docs/container-templates.md` describes it.
#[derive(Clone, Debug)]
pub struct TemplateFolder {
    /// Its name.
    pub name: String,
    conf: String,
    scripts: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

impl TemplateFolder {
    /// One without files, packages and scripts.
    pub fn new(name: &str) -> Self {
        let mut conf = format!("TITLE={name}\nOSTYPE=debian\n");
        write!(conf, "CORES=1\nMEMORY=512\nSWAP=256\nDISK=4\nUNPRIVILEGED=yes\nNESTING=yes\n").unwrap();
        Self { name: name.into(), conf, scripts: Vec::new(), files: Vec::new() }
    }

    /// Adds a script.
    #[must_use]
    pub fn script(mut self, name: &str, content: &str) -> Self {
        self.scripts.push((name.into(), content.into()));
        self
    }

    /// Adds a file for `path` inside the container.
    #[must_use]
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// Writes it below `root`.
    pub fn write(&self, root: &Path) {
        let folder = root.join(&self.name);
        for part in ["scripts", "files", "packages"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        std::fs::write(folder.join("template.conf"), &self.conf).unwrap();
        for (name, content) in &self.scripts {
            std::fs::write(folder.join("scripts").join(name), content).unwrap();
        }
        for (number, (path, content)) in self.files.iter().enumerate() {
            std::fs::write(folder.join(format!("files/{number}.txt")), content).unwrap();
            std::fs::write(folder.join(format!("files/{number}.txt.path")), path).unwrap();
        }
    }
}
