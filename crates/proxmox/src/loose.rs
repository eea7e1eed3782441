//! Proxmox answers one and the same field as number, text, boolean or not at all; these readers take all of them.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

/// A type that can be read from whatever form Proxmox chose today.
pub(crate) trait FromLoose: Sized {
    fn from_loose(value: &Value) -> Option<Self>;
}

impl FromLoose for f64 {
    fn from_loose(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Bool(flag) => Some(if *flag { 1.0 } else { 0.0 }),
            _ => None,
        }
    }
}

impl FromLoose for i64 {
    fn from_loose(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
            Value::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "sizes and times are far below 2^53, and the cast saturates"
)]
fn whole(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

impl FromLoose for u64 {
    // An uptime just after a start can be slightly negative.
    fn from_loose(value: &Value) -> Option<Self> {
        if let Value::Number(number) = value
            && let Some(number) = number.as_u64()
        {
            return Some(number);
        }
        i64::from_loose(value).map(|number| u64::try_from(number).unwrap_or(0))
    }
}

impl FromLoose for u32 {
    fn from_loose(value: &Value) -> Option<Self> {
        u64::from_loose(value).and_then(|number| Self::try_from(number).ok())
    }
}

impl FromLoose for bool {
    fn from_loose(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) => match text.trim() {
                "1" | "on" | "yes" | "true" => Some(true),
                "0" | "off" | "no" | "false" | "" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromLoose for String {
    fn from_loose(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            Value::Bool(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
            other => Some(other.to_string()),
        }
    }
}

/// Reads an optional field: absent, null and unreadable are `None`.
pub(crate) fn opt<'de, D: Deserializer<'de>, T: FromLoose>(deserializer: D) -> Result<Option<T>, D::Error> {
    Value::deserialize(deserializer).map(|value| T::from_loose(&value))
}

/// Reads a field that must be there in some form.
pub(crate) fn req<'de, D: Deserializer<'de>, T: FromLoose>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    T::from_loose(&value).ok_or_else(|| {
        D::Error::custom(format_args!("{} cannot be read as {}", kind(&value), std::any::type_name::<T>()))
    })
}

// The value itself stays out of messages: it may be a secret.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads a flag: absent and null are false.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    opt(deserializer).map(Option::unwrap_or_default)
}

/// Reads a comma-separated list such as `rootdir,images`.
pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text: Option<String> = opt(deserializer)?;
    Ok(text
        .iter()
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Reads a list that may be null, as `/interfaces` of a stopped container is.
pub(crate) fn null_as_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_is_read() {
        assert_eq!(u64::from_loose(&json!(-5)), Some(0));
        assert_eq!(u64::from_loose(&json!("24")), Some(24));
        assert_eq!(u64::from_loose(&json!(1.0)), Some(1));
        assert_eq!(u64::from_loose(&json!(null)), None);
        assert_eq!(bool::from_loose(&json!("0")), Some(false));
        assert_eq!(bool::from_loose(&json!(1)), Some(true));
        assert_eq!(String::from_loose(&json!(512)).as_deref(), Some("512"));
        assert_eq!(f64::from_loose(&json!("0.25")), Some(0.25));
    }
}
