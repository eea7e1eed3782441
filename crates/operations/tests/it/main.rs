//! Operations against a real PostgreSQL and Redis: run under `scripts/with-services`.

mod drafts;
mod host;
mod login;
mod recipes;
mod support;
