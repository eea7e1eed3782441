//! What the packages step shows.

use askama::Template;
use askama_web::WebTemplate;

use super::{Wizard, WizardStep};
use crate::filters;
use crate::forms::Field;
use crate::layout::{Layout, Tone};
use crate::pages::container_templates::view::PackageList;
use crate::pages::packages::view::UnreadLines;

/// A package that can be left out.
#[derive(Debug, Clone)]
pub struct PackageToggle {
    /// `manager:name`, which is sent as `packages`.
    pub value: String,
    /// Its name.
    pub name: String,
    /// Whether it is installed.
    pub on: bool,
}

/// Packages of one manager or bucket.
#[derive(Debug, Clone)]
pub struct PackageGroup {
    /// Such as `apt`.
    pub title: String,
    /// Where they come from.
    pub note: String,
    /// The packages.
    pub packages: Vec<PackageToggle>,
}

/// How a bucket that is on differs from what it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketState {
    /// Not at all, or it is off.
    AsItIs,
    /// Others are in it.
    Changed {
        /// What is new in it.
        added: String,
        /// What is no more in it.
        removed: String,
    },
    /// It is not there any more.
    Deleted,
}

/// A bucket that can be switched on.
#[derive(Debug, Clone)]
pub struct BucketToggle {
    /// Its id, which is sent as `buckets`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many packages it has.
    pub count: usize,
    /// Its packages, as they are installed.
    pub packages: Vec<PackageList>,
    /// Whether they are.
    pub on: bool,
    /// Whether it is still what was switched on.
    pub state: BucketState,
}

/// Step 3.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/packages.html")]
pub struct PackagesStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// What the container template brings.
    pub groups: Vec<PackageGroup>,
    /// What is wrong with that.
    pub problem: Option<String>,
    /// The manager that installs [`Self::extra_packages`].
    pub extra_manager: String,
    /// More packages, one per line.
    pub extra_packages: Field,
    /// What of them cannot be read.
    pub unread: UnreadLines,
    /// The person's buckets.
    pub buckets: Vec<BucketToggle>,
    /// What is wrong with them.
    pub buckets_error: Option<String>,
    /// All that is on, merged, by manager.
    pub sum: Vec<PackageList>,
    /// How many that are.
    pub total: usize,
    /// What to think of before they are installed.
    pub warnings: Vec<String>,
}
