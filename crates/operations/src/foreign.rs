//! What hosts and containers say, within bounds: it is their own word, and goes to pages, drafts and Redis.

/// The first so many characters of a foreign text.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
