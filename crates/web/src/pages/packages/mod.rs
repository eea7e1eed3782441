//! The packages that container templates install.

pub mod view;
