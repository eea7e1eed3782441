//! What the pages of container templates show.

use askama::Template;
use askama_web::WebTemplate;

use super::search::SearchView;
use crate::filters;
use crate::layout::Layout;
use crate::pages::containers::view::Fact;

/// One container template in the list.
#[derive(Debug, Clone)]
pub struct ContainerTemplateCard {
    /// Its id, the last part of its address.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is good for.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it was written by the reader; else it was found on disk.
    pub own: bool,
    /// How many packages it installs.
    pub packages: usize,
    /// How many scripts it runs.
    pub scripts: usize,
    /// How many files it brings.
    pub files: usize,
}

/// `/templates`.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/list.html")]
pub struct ContainerTemplatesPage {
    /// The frame.
    pub layout: Layout,
    /// All of them.
    pub container_templates: Vec<ContainerTemplateCard>,
    /// Whether there are any, found or not.
    pub any: bool,
    /// What is looked for.
    pub search: SearchView,
    /// Where they were looked for.
    pub directory: String,
}

/// A script of a container template.
#[derive(Debug, Clone)]
pub struct ScriptView {
    /// Its file name.
    pub name: String,
    /// What it says of itself.
    pub about: Option<String>,
    /// Bytes.
    pub size: u64,
    /// What its text is known by.
    pub sha256: String,
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
    /// What its content is known by.
    pub sha256: String,
    /// The last part of its path.
    pub file_name: String,
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
    /// Its id.
    pub id: String,
    /// Whether it was written by the reader; else it was found on disk.
    pub own: bool,
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
