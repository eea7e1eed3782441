//! The editor's form as a browser sends it: fields in the order of the page, and files.

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use berth_operations::container_templates::authoring::{FileContent, Form, TypedFile, TypedScript};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::WebError;
use crate::middleware::BODY_LIMIT;

/// All files of a container template, and its texts, at once. In bytes.
const LIMIT: u64 = 64 << 20;
/// All its texts: they come back with the page, in which some characters are five. Scripts have up to 1 MiB.
const TEXT_LIMIT: usize = 16 << 20;
/// Members of one list. Some more than are stored: one too many is told beside the list, and nothing typed is lost.
const MOST_MEMBERS: usize = 600;
/// Parts of a form: six of each file, three of each script and installer, and the single fields.
const MOST_PARTS: usize = 12 * MOST_MEMBERS + 100;

/// So many forms that are larger than others are read and answered at a time: each takes a multiple of its size.
static LARGE: Semaphore = Semaphore::const_new(3);

/// What was sent.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) form: Form,
    /// The button: `save` or empty to store it, else what to do with the form, such as `script-add`.
    pub(super) go: String,
    /// The version that was edited.
    pub(super) version: i32,
    pub(super) uploads: Vec<Upload>,
    /// What the page calls each script and installer, in the order shown.
    script_keys: Vec<String>,
    installer_keys: Vec<String>,
    parts: usize,
    text_size: usize,
    /// Held until it is answered.
    _large: Option<SemaphorePermit<'static>>,
}

/// A file that came with the form.
pub(super) struct Upload {
    /// The file whose content it replaces; none for a new one.
    pub(super) place: Option<usize>,
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

fn unreadable(why: impl std::fmt::Display) -> Response {
    WebError::BadRequest(format!("The form cannot be read: {why}")).into_response()
}

fn too_large(why: impl std::fmt::Display) -> Response {
    WebError::TooLarge(format!("Nothing was saved. Go back to the form: {why}.")).into_response()
}

fn refused(error: &multer::Error) -> Response {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large(format!(
            "it has more than {} MiB: upload some files and save, then the next",
            LIMIT >> 20
        )),
        other => unreadable(other),
    }
}

/// Reads it. Whose the container template is must be known by then.
pub(super) async fn read(request: Request) -> Result<Sent, Response> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(|error| unreadable(&error))?;
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(LIMIT));
    let small = request.body().size_hint().upper().is_some_and(|size| size <= BODY_LIMIT as u64);
    let large = if small { None } else { Some(LARGE.acquire().await.expect("it is never closed")) };
    let stream = request.into_body().into_data_stream();
    let mut parts = Multipart::with_constraints(stream, boundary, limits);
    let mut sent = Sent { _large: large, ..Sent::default() };
    while let Some(field) = parts.next_field().await.map_err(|error| refused(&error))? {
        sent.take(field).await?;
    }
    sent.act();
    Ok(sent)
}

impl Sent {
    async fn take(&mut self, field: Field<'_>) -> Result<(), Response> {
        self.parts += 1;
        let (form, new) = (&self.form, self.uploads.iter().filter(|upload| upload.place.is_none()));
        let lists = [form.scripts.len(), form.installers.len(), form.files.len() + new.count()];
        if self.parts > MOST_PARTS || lists.into_iter().any(|members| members > MOST_MEMBERS) {
            return Err(too_large("a template has at most 500 scripts and 500 files"));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content = field.bytes().await.map_err(|error| refused(&error))?;
        if name == "file_upload" || name == "new_files" {
            let file_name = file_name.unwrap_or_default();
            // An empty choice is sent as a file without a name.
            if !file_name.is_empty() {
                let place = if name == "file_upload" { self.form.files.len().checked_sub(1) } else { None };
                self.uploads.push(Upload { place, name: file_name, content: content.to_vec() });
            }
            return Ok(());
        }
        self.text_size += content.len();
        if self.text_size > TEXT_LIMIT {
            return Err(too_large(format_args!(
                "its texts have more than {} MiB: upload large ones as files",
                TEXT_LIMIT >> 20
            )));
        }
        let text = String::from_utf8(content.to_vec()).map_err(|_| unreadable("it is not UTF-8"))?;
        self.set(&name, text);
        Ok(())
    }

    fn set(&mut self, name: &str, text: String) {
        let form = &mut self.form;
        match name {
            "go" | "move" if self.go.is_empty() => self.go = text,
            "version" => self.version = text.parse().unwrap_or(0),
            "title" => form.title = text,
            "description" => form.description = text,
            "tags" => form.tags = text,
            "cores" => form.cores = text,
            "memory" => form.memory = text,
            "swap" => form.swap = text,
            "disk" => form.disk = text,
            "ostype" => form.ostype = text,
            "unprivileged" => form.unprivileged = text,
            "nesting" => form.nesting = text,
            "keyctl" => form.keyctl = text,
            "fuse" => form.fuse = text,
            "order" if text.starts_with("installer-") => self.installer_keys.push(text),
            "order" => self.script_keys.push(text),
            _ => self.set_member(name, text),
        }
    }

    fn set_member(&mut self, name: &str, text: String) {
        let form = &mut self.form;
        if let Some(manager) = name.strip_prefix("packages_").and_then(|manager| manager.parse().ok()) {
            form.packages.insert(manager, text);
            return;
        }
        match name {
            "script_name" => form.scripts.push(TypedScript { name: text, content: String::new() }),
            "installer_name" => form.installers.push(TypedScript { name: text, content: String::new() }),
            "script_content" => {
                form.scripts.last_mut().into_iter().for_each(|last| last.content.clone_from(&text));
            }
            "installer_content" => {
                form.installers.last_mut().into_iter().for_each(|last| last.content.clone_from(&text));
            }
            "file_path" => form.files.push(TypedFile::new(text, FileContent::Text(String::new()))),
            _ => {
                let Some(file) = form.files.last_mut() else { return };
                match name {
                    "file_mode" => file.mode = text,
                    "file_owner" => file.owner = text,
                    "file_policy" => file.policy = text,
                    "file_text" => file.content = FileContent::Text(text),
                    "file_kept" => {
                        let (sha256, size) = text.split_once(':').unwrap_or((&text, ""));
                        let size = size.parse().unwrap_or(0);
                        file.content = FileContent::Kept { sha256: sha256.into(), size };
                    }
                    _ => {}
                }
            }
        }
    }

    /// What a button asks for that only changes the form.
    fn act(&mut self) {
        let (what, key) = self.go.split_once(':').unwrap_or((&self.go, ""));
        let form = &mut self.form;
        let place = |keys: &[String]| keys.iter().position(|found| found == key);
        let (list, keys) = if key.starts_with("installer-") || what.starts_with("installer") {
            (&mut form.installers, &self.installer_keys)
        } else {
            (&mut form.scripts, &self.script_keys)
        };
        match what {
            "script-add" | "installer-add" => list.push(TypedScript::default()),
            "file-add" => form.files.push(TypedFile::new("", FileContent::Text(String::new()))),
            "file-remove" => {
                if let Some(place) = key.parse().ok().filter(|place: &usize| *place < form.files.len()) {
                    form.files.remove(place);
                    self.uploads.retain(|upload| upload.place != Some(place));
                    for upload in &mut self.uploads {
                        upload.place =
                            upload.place.map(|found| if found > place { found - 1 } else { found });
                    }
                }
            }
            "remove" => {
                if let Some(place) = place(keys).filter(|place| *place < list.len()) {
                    list.remove(place);
                }
            }
            "up" | "down" => {
                let Some(from) = place(keys).filter(|from| *from < list.len()) else { return };
                let to = if what == "up" { from.saturating_sub(1) } else { (from + 1).min(list.len() - 1) };
                list.swap(from, to);
            }
            _ => {}
        }
    }

    /// Whether it is to be stored.
    pub(super) fn is_to_be_saved(&self) -> bool {
        self.go.is_empty() || self.go == "save"
    }

    /// The field in which one goes on.
    pub(super) fn focus(&self) -> Option<String> {
        let last = |count: usize| count.saturating_sub(1);
        match self.go.split_once(':').map_or(self.go.as_str(), |(what, _)| what) {
            "script-add" => Some(format!("script_name.{}", last(self.form.scripts.len()))),
            "installer-add" => Some(format!("installer_name.{}", last(self.form.installers.len()))),
            "file-add" | "upload" => Some(format!("file_path.{}", last(self.form.files.len()))),
            _ => None,
        }
    }
}
