//! Forms that come back as they were typed, with each message beside its field.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use validator::{ValidationErrors, ValidationErrorsKind};

/// One field as the page shows it: what was typed, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// What was typed, or the default.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Field {
    /// A field without fault.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), error: None }
    }
}

/// A field whose value never goes back to the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretField {
    /// A value is stored, and an empty field keeps it.
    pub stored: bool,
    /// What is wrong with what was typed.
    pub error: Option<String>,
}

/// One of the values of a select or a group of radio buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
}

impl Choice {
    /// A choice whose label may differ from its value.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Messages by field name; the name `""` is for the form as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormErrors(BTreeMap<String, String>);

impl FormErrors {
    /// Adds a message; the first one of a field stays.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.entry(field.into()).or_insert_with(|| message.into());
    }

    /// Whether there is nothing to complain about.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many fields have a message.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The message of a field.
    pub fn get(&self, field: &str) -> Option<String> {
        self.0.get(field).cloned()
    }

    /// A field with what was typed and its message.
    pub fn field(&self, name: &str, value: impl Into<String>) -> Field {
        Field { value: value.into(), error: self.get(name) }
    }

    /// A secret field with its message.
    pub fn secret(&self, name: &str, stored: bool) -> SecretField {
        SecretField { stored, error: self.get(name) }
    }
}

impl<N: Into<String>, M: Into<String>> FromIterator<(N, M)> for FormErrors {
    fn from_iter<I: IntoIterator<Item = (N, M)>>(messages: I) -> Self {
        let mut errors = Self::default();
        for (field, message) in messages {
            errors.add(field, message);
        }
        errors
    }
}

impl From<berth_operations::FieldErrors> for FormErrors {
    fn from(found: berth_operations::FieldErrors) -> Self {
        found.iter().filter_map(|(field, messages)| Some((field, messages.first()?.clone()))).collect()
    }
}

impl From<ValidationErrors> for FormErrors {
    fn from(found: ValidationErrors) -> Self {
        let mut errors = Self::default();
        for (field, kind) in found.into_errors() {
            let ValidationErrorsKind::Field(messages) = kind else { continue };
            if let Some(first) = messages.first() {
                let text = first.message.clone().unwrap_or_else(|| first.code.clone());
                errors.add(if field == "__all__" { "" } else { &*field }, text);
            }
        }
        errors
    }
}

/// The page of a form that was not accepted: the same page again, with status 422.
pub struct Rejected<P>(pub P);

impl<P: IntoResponse> IntoResponse for Rejected<P> {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, self.0).into_response()
    }
}

#[cfg(test)]
mod tests {
    use validator::Validate;

    use super::*;

    #[derive(Validate)]
    struct Sample {
        #[validate(length(min = 1, message = "Give the node a name"))]
        name: String,
    }

    #[test]
    fn validator_messages_reach_their_field() {
        let found = Sample { name: String::new() }.validate().unwrap_err();
        let errors = FormErrors::from(found);
        assert_eq!(errors.field("name", "").error.as_deref(), Some("Give the node a name"));
        assert_eq!(errors.field("host", "pve").error, None);
    }

    #[test]
    fn the_first_message_of_a_field_stays() {
        let errors: FormErrors = [("vmid", "taken"), ("vmid", "again")].into_iter().collect();
        assert_eq!(errors.get("vmid").as_deref(), Some("taken"));
        assert_eq!(errors.len(), 1);
    }
}
