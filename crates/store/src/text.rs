//! What PostgreSQL takes as text and JSON. It refuses the character NUL, which foreign output may well hold, and a page chokes on texts
//! without end.

use serde::Serialize;
use serde_json::Value;

/// Shown where a NUL was.
const NUL_PICTURE: &str = "\u{2400}";

/// A foreign text is kept up to about this many bytes.
const LONGEST: usize = 64 << 10;

/// The text, with a picture of NUL in place of each NUL, cut where it is too long.
pub(crate) fn storable(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST);
    let mut stored = without_nul(&text[..end]);
    if end < text.len() {
        stored.push('…');
    }
    stored
}

fn without_nul(text: &str) -> String {
    text.replace('\0', NUL_PICTURE)
}

/// The value as a JSON column takes it.
pub(crate) fn json(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).expect("our types have no maps with keys other than text");
    clean(&mut value);
    value
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = without_nul(text),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains('\0')) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, value)| (without_nul(&key), value))
                    .collect();
            }
            fields.values_mut().for_each(clean);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_without_end_is_cut_between_characters() {
        let stored = storable(&"ü\0".repeat(LONGEST));
        assert!(stored.ends_with('…') && stored.len() < 2 * LONGEST && stored.starts_with("ü␀ü"));
        assert_eq!(storable("short"), "short");
    }

    #[test]
    fn nul_becomes_its_picture_at_any_depth() {
        let value = json!({"a\0": ["x\0y", {"b": "\0"}], "n": 1});
        assert_eq!(super::json(&value), json!({"a␀": ["x␀y", {"b": "␀"}], "n": 1}));
    }
}
