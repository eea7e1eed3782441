//! The methods this host serves, with their parameters and permissions (`endpoints.json`), and the verification of
//! parameters as `PVE::JSONSchema` does it.
//!
//! `endpoints.json` holds one method per line: `m` method, `path`, `params`, `perm`, `proxy` (answered by the node
//! itself), `notoken` (not with an API token), `more` (unknown parameters are fine). A parameter has `t` type, `o`
//! optional, `e` enumeration, `min`, `max`, `minl`, `maxl`, `p` Perl pattern, `f` format (a name, or the keys of a
//! property string), `r` another parameter it requires, `dk` default key.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::format;
use crate::state::{ApiError, Params};

/// One parameter.
#[derive(Debug, Clone, Deserialize)]
pub struct Property {
    #[serde(default)]
    pub(super) t: String,
    #[serde(default)]
    pub(super) o: u8,
    pub(super) e: Option<Vec<Value>>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) minl: Option<usize>,
    pub(super) maxl: Option<usize>,
    pub(super) p: Option<String>,
    pub(super) f: Option<Format>,
    pub(super) r: Option<String>,
    #[serde(default)]
    pub(super) dk: u8,
    pub(super) alias: Option<String>,
}

/// How a value must look.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Format {
    /// A named format, such as `dns-name`.
    Named(String),
    /// A property string, such as `bridge=vmbr0,ip=dhcp`.
    Keys(BTreeMap<String, Property>),
}

/// Who may call a method.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Permission {
    /// An expression for [`crate::permissions::check_expression`].
    pub check: Option<Value>,
    /// `all`: whoever is logged in; `world`: anyone.
    pub user: Option<String>,
}

/// One method on one path.
#[derive(Debug, Clone, Deserialize)]
pub struct Endpoint {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    #[serde(rename = "m")]
    pub method: String,
    /// With placeholders, such as `/nodes/{node}/lxc`.
    pub path: String,
    /// By name; `net[n]` stands for `net0`, `net1`, …
    pub params: BTreeMap<String, Property>,
    /// Who may call it.
    #[serde(default)]
    pub perm: Permission,
    /// `node` when the named node itself must answer.
    pub proxy: Option<String>,
    /// 1 when API tokens are refused.
    #[serde(default)]
    pub notoken: u8,
    #[serde(default)]
    more: u8,
}

static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("endpoints.json"))
        .expect("endpoints.json is part of the program and parses")
});

/// Every method that is served.
pub fn endpoints() -> &'static [Endpoint] {
    &ENDPOINTS
}

/// The method for a path below `/api2/json`, with the parameters in the path.
pub fn find(method: &str, path: &str) -> Option<(&'static Endpoint, Params)> {
    let exact = |endpoint: &&Endpoint| endpoint.method == method;
    let found = ENDPOINTS.iter().filter(exact).filter_map(|e| Some((e, in_path(&e.path, path)?)));
    // A literal path part beats a placeholder.
    found.min_by_key(|(_, params)| params.len())
}

fn in_path(pattern: &str, path: &str) -> Option<Params> {
    let mut params = Params::new();
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    for expected in pattern.split('/').filter(|part| !part.is_empty()) {
        let part = parts.next()?;
        if let Some(name) = expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let mut value = percent(part);
            if name == "volume" {
                for rest in parts.by_ref() {
                    value = format!("{value}/{}", percent(rest));
                }
            }
            params.insert(name.to_owned(), value);
        } else if expected != part {
            return None;
        }
    }
    parts.next().is_none().then_some(params)
}

fn percent(part: &str) -> String {
    super::request::percent_decode(part)
}

/// Verifies the parameters of a method and returns them.
///
/// # Errors
/// Status 400 with one text per wrong parameter.
pub fn verify(method: &str, pattern: &str, params: &Params) -> Result<Params, ApiError> {
    let endpoint = ENDPOINTS.iter().find(|e| e.method == method && e.path == pattern);
    endpoint.map_or_else(|| Ok(params.clone()), |endpoint| endpoint.verify(params))
}

impl Endpoint {
    /// Verifies parameters; see [`verify`].
    ///
    /// # Errors
    /// Status 400 with one text per wrong parameter.
    pub fn verify(&self, params: &Params) -> Result<Params, ApiError> {
        let mut errors = check_object(&self.params, params, self.more == 1, "");
        if !errors.is_empty() {
            errors.retain(|name, _| name != "csrf");
            return Err(ApiError::params(errors));
        }
        Ok(params.clone())
    }
}

/// The property of a name, `net0` by `net[n]`.
pub(super) fn lookup<'a>(properties: &'a BTreeMap<String, Property>, name: &str) -> Option<&'a Property> {
    properties.get(name).or_else(|| {
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        let stem = name.strip_suffix(digits).filter(|_| !digits.is_empty())?;
        let index: u32 = digits.parse().ok()?;
        let limit = if stem == "net" { 32 } else { 256 };
        (index < limit && index.to_string() == digits).then(|| properties.get(&format!("{stem}[n]")))?
    })
}

/// All texts for an object, keyed by name with `prefix`.
pub(super) fn check_object(
    properties: &BTreeMap<String, Property>,
    values: &Params,
    more: bool,
    prefix: &str,
) -> BTreeMap<String, String> {
    let mut errors = BTreeMap::new();
    for (name, value) in values {
        let text = match lookup(properties, name) {
            Some(property) => check_value(property, value, &format!("{prefix}{name}")),
            None if more => None,
            None => Some(
                "property is not defined in schema and the schema does not allow additional properties"
                    .to_owned(),
            ),
        };
        if let Some(text) = text {
            errors.insert(format!("{prefix}{name}"), text);
        }
        let required = lookup(properties, name).and_then(|property| property.r.as_ref());
        if let Some(required) = required.filter(|required| !values.contains_key(*required)) {
            errors.insert(
                format!("{prefix}{required}"),
                format!("missing property - '{name}' requires this property"),
            );
        }
    }
    for (name, property) in properties {
        if property.o == 0 && property.alias.is_none() && !name.contains('[') && !values.contains_key(name) {
            errors
                .entry(format!("{prefix}{name}"))
                .or_insert_with(|| "property is missing and it is not optional".to_owned());
        }
    }
    errors
}

fn check_value(property: &Property, value: &str, path: &str) -> Option<String> {
    if !has_type(&property.t, value) {
        return Some(format!("type check ('{}') failed - got '{value}'", property.t));
    }
    if let Some(text) = check_size(property, value) {
        return Some(text);
    }
    if let Some(pattern) = &property.p
        && !format::matches_pattern(pattern, value)
    {
        return Some("value does not match the regex pattern".to_owned());
    }
    if let Some(Err(text)) = property.f.as_ref().map(|wanted| format::check(wanted, value, path)) {
        return Some(format!("invalid format - {text}"));
    }
    let allowed = property.e.as_ref()?;
    let words: Vec<String> =
        allowed.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
    let fine = words.iter().any(|word| word == value);
    (!fine)
        .then(|| format!("value '{value}' does not have a value in the enumeration '{}'", words.join(", ")))
}

fn has_type(kind: &str, value: &str) -> bool {
    match kind {
        "integer" => {
            let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        "number" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "boolean" => matches!(value, "0" | "1"),
        _ => true,
    }
}

fn check_size(property: &Property, value: &str) -> Option<String> {
    if property.t == "string" || property.t.is_empty() {
        let length = value.chars().count();
        if let Some(max) = property.maxl.filter(|max| length > *max) {
            return Some(format!("value may only be {max} characters long"));
        }
        let min = property.minl.filter(|min| length < *min)?;
        return Some(format!("value must be at least {min} characters long"));
    }
    let number: f64 = value.parse().ok()?;
    if let Some(max) = property.max.filter(|max| number > *max) {
        return Some(format!("value must have a maximum value of {max}"));
    }
    let min = property.min.filter(|min| number < *min)?;
    Some(format!("value must have a minimum value of {min}"))
}

/// The type of a parameter, such as `integer`; absent when the method has none of that name.
pub fn type_of(method: &str, pattern: &str, name: &str) -> Option<&'static str> {
    let endpoint = ENDPOINTS.iter().find(|e| e.method == method && e.path == pattern)?;
    lookup(&endpoint.params, name).map(|property| property.t.as_str())
}
