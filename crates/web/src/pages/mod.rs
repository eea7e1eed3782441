//! One module per feature; in each, `view.rs` holds the plain data its askama pages show.

pub mod container_templates;
pub mod containers;
pub mod creations;
pub mod login;
pub mod nodes;
pub mod packages;
pub mod settings;
pub mod wizard;
