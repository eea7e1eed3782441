//! The index of the settings.

pub mod view;
