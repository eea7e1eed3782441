//! Drafts and VMIDs over HTTP: tabs that are behind, many who want one number, and what goes away in between. Run under
//! `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod changes;
mod downloads;
mod many;
mod rig;
mod tabs;
mod vmids;
