//! What the editor shows.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::package::PackageManager;
use berth_operations::container_templates::authoring::{FileContent, Form, TypedFile, TypedScript};

use crate::filters;
use crate::forms::{Choice, Field, FormErrors};
use crate::layout::{Layout, Tone};

/// A form with what became of it.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) form: Form,
    pub(super) version: i32,
    pub(super) errors: FormErrors,
    /// Somebody has edited it since.
    pub(super) moved: bool,
    /// The field in which one goes on.
    pub(super) focus: Option<String>,
}

/// A script or an installer.
#[derive(Debug, Clone)]
pub struct ScriptFields {
    /// `script` or `installer`.
    pub kind: &'static str,
    /// Its place, from 0.
    pub place: usize,
    /// Its name.
    pub name: Field,
    /// Its text.
    pub content: Field,
    /// Whether one goes on here.
    pub focus: bool,
}

/// A file.
#[derive(Debug, Clone)]
pub struct FileFields {
    /// Its place, from 0.
    pub place: usize,
    /// Where it goes.
    pub path: Field,
    /// Octal.
    pub mode: Field,
    /// `user:group`.
    pub owner: Field,
    /// What happens to a file that is there.
    pub policy: Field,
    /// Its text, if it is edited in the page.
    pub text: Option<String>,
    /// Its hash and size, if it is not.
    pub kept: Option<(String, u64)>,
    /// What is wrong with what is in it.
    pub error: Option<String>,
    /// The last part of its path.
    pub file_name: String,
    /// Whether one goes on here.
    pub focus: bool,
}

/// A list of packages.
#[derive(Debug, Clone)]
pub struct PackageField {
    /// Its manager.
    pub manager: &'static str,
    /// One a line.
    pub list: Field,
}

/// The editor.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/editor.html")]
pub struct EditorPage {
    layout: Layout,
    action: String,
    back: String,
    version: i32,
    moved: bool,
    error_count: usize,
    title: Field,
    description: Field,
    tags: Field,
    numbers: Vec<(&'static str, &'static str, &'static str, Field)>,
    ostype: Field,
    flags: Vec<(&'static str, &'static str, Field)>,
    yes_no: Vec<Choice>,
    policies: Vec<Choice>,
    packages: Vec<PackageField>,
    installers: Vec<ScriptFields>,
    scripts: Vec<ScriptFields>,
    files: Vec<FileFields>,
    lists: Vec<String>,
}

impl EditorPage {
    pub(super) fn new(layout: Layout, action: String, back: String, shown: &Shown) -> Self {
        let Shown { form, errors, .. } = shown;
        let field = |name: &str, value: &str| errors.field(name, value);
        let list = |manager: PackageManager| form.packages.get(&manager).map_or("", String::as_str);
        Self {
            layout,
            action,
            back,
            version: shown.version,
            moved: shown.moved,
            error_count: errors.len(),
            title: field("title", &form.title),
            description: field("description", &form.description),
            tags: field("tags", &form.tags),
            numbers: vec![
                ("cores", "Cores", "1", field("cores", &form.cores)),
                ("memory", "Memory (MiB)", "512", field("memory", &form.memory)),
                ("swap", "Swap (MiB)", "512", field("swap", &form.swap)),
                ("disk", "Disk (GiB)", "8", field("disk", &form.disk)),
            ],
            ostype: field("ostype", &form.ostype),
            flags: vec![
                ("unprivileged", "Unprivileged", field("unprivileged", &form.unprivileged)),
                ("nesting", "Nesting", field("nesting", &form.nesting)),
                ("keyctl", "Keyctl", field("keyctl", &form.keyctl)),
                ("fuse", "FUSE", field("fuse", &form.fuse)),
            ],
            yes_no: vec![Choice::new("", "As usual"), Choice::new("yes", "Yes"), Choice::new("no", "No")],
            policies: vec![
                Choice::new("replace", "Replace it"),
                Choice::new("default", "Leave it alone"),
                Choice::new("backup", "Keep it beside, dated"),
            ],
            packages: PackageManager::ALL
                .into_iter()
                .map(|manager| PackageField {
                    manager: manager.name(),
                    list: errors.field(&format!("packages_{manager}"), list(manager)),
                })
                .collect(),
            installers: scripts("installer", &form.installers, shown),
            scripts: scripts("script", &form.scripts, shown),
            files: form
                .files
                .iter()
                .enumerate()
                .map(|(place, file)| file_fields(place, file, shown))
                .collect(),
            lists: ["", "scripts", "installers", "files"]
                .into_iter()
                .filter_map(|name| errors.get(name))
                .collect(),
        }
    }
}

fn scripts(
    kind: &'static str,
    typed: &[TypedScript],
    Shown { errors, focus, .. }: &Shown,
) -> Vec<ScriptFields> {
    let fields = |(place, script): (usize, &TypedScript)| ScriptFields {
        kind,
        place,
        name: errors.field(&format!("{kind}_name.{place}"), &script.name),
        content: errors.field(&format!("{kind}_content.{place}"), &script.content),
        focus: *focus == Some(format!("{kind}_name.{place}")),
    };
    typed.iter().enumerate().map(fields).collect()
}

fn file_fields(place: usize, file: &TypedFile, Shown { errors, focus, .. }: &Shown) -> FileFields {
    let field = |name: &str, value: &str| errors.field(&format!("{name}.{place}"), value);
    let (text, kept) = match &file.content {
        FileContent::Text(text) => (Some(text.clone()), None),
        FileContent::Kept { sha256, size } => (None, Some((sha256.clone(), *size))),
    };
    FileFields {
        place,
        path: field("file_path", &file.path),
        mode: field("file_mode", &file.mode),
        owner: field("file_owner", &file.owner),
        policy: field("file_policy", &file.policy),
        text,
        kept,
        error: errors.get(&format!("file_content.{place}")),
        file_name: file.path.rsplit('/').next().unwrap_or_default().into(),
        focus: *focus == Some(format!("file_path.{place}")),
    }
}
