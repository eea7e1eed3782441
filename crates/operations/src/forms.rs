//! What all forms share: fields as typed, and messages beside them.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize as _, Deserializer};
use validator::{ValidationError, ValidationErrors};

use crate::FieldErrors;

/// Proxmox's port.
pub(crate) const API_PORT: u16 = 8006;

/// The messages of a derived validation. What is nested has no field of its own on a page and is left out.
pub(crate) fn field_errors(errors: &ValidationErrors) -> FieldErrors {
    let mut found = FieldErrors::new();
    for (field, problems) in errors.field_errors() {
        let Cow::Borrowed(field) = field else { continue };
        for problem in problems {
            found.add(field, problem.message.clone().unwrap_or_else(|| problem.code.clone()));
        }
    }
    found
}

/// A message beside a field.
pub(crate) fn problem(message: impl Display) -> ValidationError {
    ValidationError::new("invalid").with_message(Cow::Owned(message.to_string()))
}

/// Whether a text can be read as a `T`, in a validator's words.
pub(crate) fn parses<T: FromStr>(text: &str) -> Result<(), ValidationError>
where
    T::Err: Display,
{
    text.parse::<T>().map(|_| ()).map_err(problem)
}

/// A TCP port; `default` when nothing was typed.
pub(crate) fn port(text: &str, default: u16) -> Result<u16, &'static str> {
    match text.trim() {
        "" => Ok(default),
        text => text.parse().ok().filter(|port| *port != 0).ok_or("A port is a whole number from 1 to 65535"),
    }
}

/// The API's port in a validator's words.
pub(crate) fn api_port(text: &str) -> Result<(), ValidationError> {
    port(text, API_PORT).map(|_| ()).map_err(problem)
}

/// A checkbox: `on`, `true` or `1` from a browser, a boolean from a stored draft.
pub(crate) fn checkbox<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Typed {
        Flag(bool),
        Text(String),
    }
    Ok(match Typed::deserialize(deserializer)? {
        Typed::Flag(flag) => flag,
        Typed::Text(text) => matches!(text.as_str(), "on" | "true" | "1"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_and_empty_is_the_default() {
        assert_eq!(port("", 8006), Ok(8006));
        assert_eq!(port(" 22 ", 8006), Ok(22));
        assert!(["0", "65536", "-1", "ssh"].iter().all(|text| port(text, 1).is_err()));
    }

    #[test]
    fn a_checkbox_reads_from_browsers_and_drafts() {
        #[derive(serde::Deserialize)]
        struct Form {
            #[serde(default, deserialize_with = "checkbox")]
            tick: bool,
        }
        for (json, ticked) in [
            (r#"{"tick":"on"}"#, true),
            (r#"{"tick":true}"#, true),
            ("{}", false),
            (r#"{"tick":"off"}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<Form>(json).unwrap().tick, ticked, "{json}");
        }
    }
}
