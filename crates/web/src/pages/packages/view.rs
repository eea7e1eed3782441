//! What the pages of packages show.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::package::{PackageManager, paste};
use time::OffsetDateTime;

use crate::filters;
use crate::forms::{Choice, Field};
use crate::layout::Layout;
use crate::pages::container_templates::view::PackageList;

/// The packages of one container template.
#[derive(Debug, Clone)]
pub struct PackageSource {
    /// The container template's title.
    pub title: String,
    /// Its page.
    pub href: String,
    /// What it installs.
    pub packages: Vec<PackageList>,
}

/// A bucket in the list.
#[derive(Debug, Clone)]
pub struct BucketCard {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// The first of its packages.
    pub packages: Vec<PackageList>,
    /// How many more it has.
    pub more: usize,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// `/packages`.
#[derive(Template, WebTemplate)]
#[template(path = "packages/list.html")]
pub struct PackagesPage {
    /// The frame.
    pub layout: Layout,
    /// The words searched for.
    pub search: String,
    /// The buckets in which they are.
    pub buckets: Vec<BucketCard>,
    /// Container templates that install packages.
    pub sources: Vec<PackageSource>,
}

/// A package in a bucket's form.
#[derive(Debug, Clone)]
pub struct BucketRow {
    /// The id of its version's field.
    pub id: String,
    /// `manager:name`, which is sent.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its version, or empty.
    pub version: Field,
    /// Whether it is to be taken out.
    pub removed: bool,
}

/// The packages of one manager in a bucket's form.
#[derive(Debug, Clone)]
pub struct BucketGroup {
    /// Such as `apt`.
    pub manager: String,
    /// Its packages.
    pub rows: Vec<BucketRow>,
}

/// Something pasted that names no package.
#[derive(Debug, Clone)]
pub struct Unread {
    /// The line's number.
    pub line: usize,
    /// What was written there.
    pub text: String,
    /// Why it was not read.
    pub reason: String,
}

/// The first of them, and how many more there are.
#[derive(Debug, Clone, Default)]
pub struct UnreadLines {
    /// In the order of the lines.
    pub lines: Vec<Unread>,
    /// Those that are not listed.
    pub more: usize,
}

impl UnreadLines {
    /// So many are listed; all of them stay in their box.
    const LISTED: usize = 50;

    /// As a page lists them.
    pub fn of(found: &[paste::Unread]) -> Self {
        let line = |unread: &paste::Unread| Unread {
            line: unread.line,
            text: unread.text.clone(),
            reason: unread.reason.clone(),
        };
        Self {
            lines: found.iter().take(Self::LISTED).map(line).collect(),
            more: found.len().saturating_sub(Self::LISTED),
        }
    }
}

/// How a bucket was changed while its form was open.
#[derive(Debug, Clone)]
pub struct ChangedMeanwhile {
    /// When.
    pub at: OffsetDateTime,
    /// Its name now.
    pub name: String,
    /// What it has and the form does not.
    pub only_stored: String,
    /// What the form has and it does not.
    pub only_typed: String,
}

/// `/packages/new` and `/packages/{id}`.
#[derive(Template, WebTemplate)]
#[template(path = "packages/form.html")]
pub struct BucketFormPage {
    /// The frame.
    pub layout: Layout,
    /// Its page; none for a new one.
    pub address: Option<String>,
    /// Its name.
    pub named: Field,
    /// The revision that the form was made from.
    pub revision: i32,
    /// The manager of pasted names that do not say theirs.
    pub manager: Field,
    /// The pasted list.
    pub paste: Field,
    /// What of it was not read.
    pub unread: UnreadLines,
    /// The packages by manager.
    pub groups: Vec<BucketGroup>,
    /// How many there are, without those to be taken out.
    pub count: usize,
    /// What is wrong with them.
    pub packages_error: Option<String>,
    /// How many packages, and how many versions, were just read from the pasted list.
    pub read: Option<(usize, usize)>,
    /// How the bucket was changed meanwhile.
    pub changed: Option<ChangedMeanwhile>,
    /// How many fields have a message.
    pub error_count: usize,
}

impl BucketFormPage {
    /// Where the form is sent.
    pub fn action(&self) -> &str {
        self.address.as_deref().unwrap_or("/packages")
    }

    /// The managers to choose from.
    pub fn managers() -> Vec<Choice> {
        PackageManager::ALL.map(|manager| Choice::new(manager.name(), manager.name())).into()
    }
}
