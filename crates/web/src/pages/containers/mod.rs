//! The list of containers, and each one's page.

pub mod view;
