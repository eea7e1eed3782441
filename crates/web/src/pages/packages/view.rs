//! What the list of packages shows.

use askama::Template;
use askama_web::WebTemplate;

use crate::filters;
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

/// `/packages`.
#[derive(Template, WebTemplate)]
#[template(path = "packages/list.html")]
pub struct PackagesPage {
    /// The frame.
    pub layout: Layout,
    /// Container templates that install packages.
    pub sources: Vec<PackageSource>,
}
