//! The five steps to a new container.

pub mod view;
