//! What every page needs around its content.

use serde::{Deserialize, Serialize};

/// A part of the product, as the navigation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Containers, their creation and their pages.
    Containers,
    /// Container templates.
    ContainerTemplates,
    /// Packages and buckets.
    Packages,
    /// Nodes and other settings.
    Settings,
    /// Login and error pages.
    None,
}

/// The navigation, in its order: section, address, icon, label.
pub const NAVIGATION: [(Section, &str, &str, &str); 4] = [
    (Section::Containers, "/", "box", "Containers"),
    (Section::ContainerTemplates, "/templates", "layout-template", "Templates"),
    (Section::Packages, "/packages", "package", "Packages"),
    (Section::Settings, "/settings", "settings", "Settings"),
];

/// A step of the way to the current page.
#[derive(Debug, Clone)]
pub struct Crumb {
    /// What the page is called.
    pub label: String,
    /// Where it is.
    pub href: String,
}

/// Who is logged in.
#[derive(Debug, Clone)]
pub struct LayoutUser {
    /// `user@realm`.
    pub userid: String,
    /// The host that vouched for this user, `host:port`.
    pub login_host: String,
}

impl LayoutUser {
    /// The letter in the menu's circle.
    pub fn initial(&self) -> String {
        self.userid.chars().take(1).collect()
    }
}

/// How a notice or toast is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// It worked.
    Success,
    /// Good to know.
    Info,
    /// Needs attention.
    Warning,
    /// It failed.
    Error,
}

impl Tone {
    /// The name of its CSS class, `notice-…`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Success => "circle-check",
            Self::Info => "info",
            Self::Warning => "triangle-alert",
            Self::Error => "circle-alert",
        }
    }
}

/// A message about what just happened, such as "Stopped web-01".
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Toast {
    /// How it is meant.
    pub tone: Tone,
    /// What happened.
    pub text: String,
    /// Where a POST takes it back.
    #[serde(default)]
    pub undo: Option<String>,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The page's name, in the window and at the end of the breadcrumb.
    pub title: String,
    /// The part of the product it belongs to.
    pub section: Section,
    /// The way to it, without itself.
    pub crumbs: Vec<Crumb>,
    /// Who is logged in; without it there is no menu.
    pub user: Option<LayoutUser>,
    /// Messages kept from the request before.
    pub toasts: Vec<Toast>,
}

impl Layout {
    /// A page of a section, with neither crumbs nor toasts yet.
    pub fn new(title: impl Into<String>, section: Section) -> Self {
        Self { title: title.into(), section, crumbs: Vec::new(), user: None, toasts: Vec::new() }
    }

    /// Shows who is logged in.
    #[must_use]
    pub fn for_user(mut self, user: LayoutUser) -> Self {
        self.user = Some(user);
        self
    }

    /// Adds a step of the way.
    #[must_use]
    pub fn under(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Crumb { label: label.into(), href: href.into() });
        self
    }

    /// Adds messages about what just happened.
    #[must_use]
    pub fn with_toasts(mut self, toasts: Vec<Toast>) -> Self {
        self.toasts.extend(toasts);
        self
    }
}
