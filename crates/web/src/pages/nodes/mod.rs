//! The settings of nodes.

pub mod view;
