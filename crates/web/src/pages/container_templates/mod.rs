//! The container templates that were found.

pub mod view;
