//! A creation while it runs, and what became of it.

pub mod view;
