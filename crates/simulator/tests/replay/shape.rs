//! The shape of a JSON value: keys and types; the elements of an array together have one shape.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Types seen at each path, such as `data[].vmid`.
fn shape(value: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut seen = BTreeMap::new();
    walk(value, "", &mut seen);
    seen
}

fn walk(value: &Value, path: &str, seen: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    seen.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(list) => list.iter().for_each(|item| walk(item, &format!("{path}[]"), seen)),
        Value::Object(object) => {
            object.iter().for_each(|(key, item)| walk(item, &format!("{path}.{key}"), seen));
        }
        _ => {}
    }
}

/// Whether `ours` has all paths of `recorded`, no other, and no type that was not recorded there.
pub(crate) fn compare(recorded: &Value, ours: &Value) -> Result<(), String> {
    let (recorded, ours) = (shape(recorded), shape(ours));
    let missing: Vec<&String> = recorded.keys().filter(|path| !ours.contains_key(*path)).collect();
    let added: Vec<&String> = ours.keys().filter(|path| !recorded.contains_key(*path)).collect();
    let other = |(path, kinds): (&String, &BTreeSet<&str>)| {
        let known = recorded.get(path)?;
        (!kinds.is_subset(known)).then(|| format!("{path} is {kinds:?} instead of {known:?}"))
    };
    let changed: Vec<String> = ours.iter().filter_map(other).collect();
    if missing.is_empty() && added.is_empty() && changed.is_empty() {
        return Ok(());
    }
    Err(format!("missing {missing:?}, added {added:?}, {changed:?}"))
}

#[test]
fn a_missing_key_and_another_type_are_differences() {
    let recorded = serde_json::json!({ "data": [{ "a": 1, "b": "x" }, { "a": 2 }] });
    assert_eq!(compare(&recorded, &serde_json::json!({ "data": [{ "a": 3, "b": "" }] })), Ok(()));
    assert!(compare(&recorded, &serde_json::json!({ "data": [{ "a": 3 }] })).is_err());
    assert!(compare(&recorded, &serde_json::json!({ "data": [{ "a": "3", "b": "" }] })).is_err());
}
