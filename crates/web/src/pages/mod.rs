//! One module per feature; in each, `view.rs` holds the plain data its askama pages show.

pub mod login;
pub mod nodes;
pub mod settings;
