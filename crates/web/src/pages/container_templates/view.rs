//! What the pages of container templates show.

use askama::Template;
use askama_web::WebTemplate;
use time::OffsetDateTime;

use crate::filters;
use crate::layout::{Layout, Tone};
use crate::pages::containers::view::Fact;

/// One container template in the list.
#[derive(Debug, Clone)]
pub struct ContainerTemplateCard {
    /// Its name, the last part of its address.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it is good for.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How many packages it installs.
    pub packages: usize,
    /// How many scripts it runs.
    pub scripts: usize,
    /// How many files it brings.
    pub files: usize,
}

/// Something that could not be read.
#[derive(Debug, Clone)]
pub struct DiscoveryProblem {
    /// The file, relative to the directory of container templates.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub message: String,
}

/// What "Discover" found.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryReport {
    /// New ones.
    pub added: Vec<String>,
    /// Ones that read differently now.
    pub changed: Vec<String>,
    /// Ones that are gone.
    pub removed: Vec<String>,
    /// What could not be read.
    pub problems: Vec<DiscoveryProblem>,
}

impl DiscoveryReport {
    /// Whether nothing is different from before.
    pub fn is_quiet(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// How it is meant.
    pub fn tone(&self) -> Tone {
        if self.problems.is_empty() { Tone::Success } else { Tone::Warning }
    }
}

/// `/templates`.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/list.html")]
pub struct ContainerTemplatesPage {
    /// The frame.
    pub layout: Layout,
    /// All of them.
    pub container_templates: Vec<ContainerTemplateCard>,
    /// Where they were looked for.
    pub directory: String,
    /// When.
    pub discovered_at: Option<OffsetDateTime>,
    /// What was found just now.
    pub report: Option<DiscoveryReport>,
}

/// A script of a container template.
#[derive(Debug, Clone)]
pub struct ScriptView {
    /// Its file name.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// A file of a container template.
#[derive(Debug, Clone)]
pub struct FileView {
    /// Where it goes in the container.
    pub path: String,
    /// `replace`, `default` or `backup`.
    pub policy: String,
    /// Owner and mode.
    pub access: String,
    /// Bytes.
    pub size: u64,
}

/// Packages of one manager.
#[derive(Debug, Clone)]
pub struct PackageList {
    /// Such as `apt`.
    pub manager: String,
    /// Their names.
    pub names: Vec<String>,
}

/// `/templates/{name}`.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/show.html")]
pub struct ContainerTemplatePage {
    /// The frame.
    pub layout: Layout,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it is good for.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the wizard starts with.
    pub defaults: Vec<Fact>,
    /// What it installs.
    pub packages: Vec<PackageList>,
    /// What it runs, in order.
    pub scripts: Vec<ScriptView>,
    /// What it copies.
    pub files: Vec<FileView>,
    /// Where a container is made from it.
    pub create_href: String,
}
