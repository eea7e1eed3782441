//! Berth's command line and composition
fn main() {}
