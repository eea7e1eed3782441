//! Berth's pages and event streams
