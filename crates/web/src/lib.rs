//! Berth's pages and event streams: axum routes, askama pages, and what every page shares.

pub mod ansi;
pub mod assets;
pub mod badge;
pub mod chart;
pub mod error;
pub mod extract;
#[allow(
    clippy::inline_always,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    unreachable_pub,
    reason = "askama::filter_fn asks for these signatures and writes such code"
)]
mod filters;
pub mod forms;
pub mod htmx;
pub mod icon;
pub mod layout;
pub mod markdown;
pub mod middleware;
pub mod pages;
pub mod reorder;
pub mod routes;
mod serve;
pub mod state;

pub use error::WebError;
pub use serve::{Config, app, serve};
pub use state::AppState;
