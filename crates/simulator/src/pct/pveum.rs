//! `pveum`: users, tokens, roles and permissions. Each subcommand is a method of the API, as on a real host. There is no
//! recording of its output: the tables follow the administration guide ("pveum user token add" there).

use std::ffi::OsString;

use serde_json::{Map, Value};

use super::options::{Takes, parse};
use super::table::table;
use super::{Failure, Session, view};
use crate::api::{self, schema};
use crate::state::Params;

/// Words, positional parameters, method and path.
type Subcommand = (&'static str, &'static [&'static str], &'static str, &'static str);

const SUBCOMMANDS: [Subcommand; 23] = [
    ("role add", &["roleid"], "POST", "/access/roles"),
    ("role modify", &["roleid"], "PUT", "/access/roles/{roleid}"),
    ("role delete", &["roleid"], "DELETE", "/access/roles/{roleid}"),
    ("role list", &[], "GET", "/access/roles"),
    ("user add", &["userid"], "POST", "/access/users"),
    ("user modify", &["userid"], "PUT", "/access/users/{userid}"),
    ("user delete", &["userid"], "DELETE", "/access/users/{userid}"),
    ("user list", &[], "GET", "/access/users"),
    ("user permissions", &["userid"], "GET", "/access/permissions"),
    ("user token add", &["userid", "tokenid"], "POST", "/access/users/{userid}/token/{tokenid}"),
    ("user token modify", &["userid", "tokenid"], "PUT", "/access/users/{userid}/token/{tokenid}"),
    ("user token delete", &["userid", "tokenid"], "DELETE", "/access/users/{userid}/token/{tokenid}"),
    ("user token remove", &["userid", "tokenid"], "DELETE", "/access/users/{userid}/token/{tokenid}"),
    ("user token list", &["userid"], "GET", "/access/users/{userid}/token"),
    ("user token permissions", &["userid", "tokenid"], "GET", "/access/permissions"),
    ("group add", &["groupid"], "POST", "/access/groups"),
    ("group modify", &["groupid"], "PUT", "/access/groups/{groupid}"),
    ("group delete", &["groupid"], "DELETE", "/access/groups/{groupid}"),
    ("group list", &[], "GET", "/access/groups"),
    ("acl modify", &["path"], "PUT", "/access/acl"),
    ("acl delete", &["path"], "PUT", "/access/acl"),
    ("acl list", &[], "GET", "/access/acl"),
    ("realm list", &[], "GET", "/access/domains"),
];

/// Old spellings that are still understood.
const ALIASES: [(&str, &str); 11] = [
    ("roleadd", "role add"),
    ("rolemod", "role modify"),
    ("roledel", "role delete"),
    ("useradd", "user add"),
    ("usermod", "user modify"),
    ("userdel", "user delete"),
    ("groupadd", "group add"),
    ("groupmod", "group modify"),
    ("groupdel", "group delete"),
    ("aclmod", "acl modify"),
    ("acldel", "acl delete"),
];

/// Options of the output, which are no parameters of the API.
const OUTPUT: [(&str, Takes); 5] = [
    ("output-format", Takes::Value),
    ("noborder", Takes::Boolean),
    ("noheader", Takes::Boolean),
    ("quiet", Takes::Boolean),
    ("human-readable", Takes::Boolean),
];

impl Session<'_> {
    /// Runs one `pveum` command line.
    pub(super) fn pveum(&self, argv: &[OsString]) -> Result<(), Failure> {
        let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let (subcommand, used) = find(&words)?;
        let (name, positional, method, path) = *subcommand;
        let takes = |option: &str| {
            let output = OUTPUT.iter().find(|(known, _)| *known == option).map(|(_, takes)| *takes);
            output.or_else(|| {
                let kind = schema::type_of(method, path, option)?;
                Some(if kind == "boolean" { Takes::Boolean } else { Takes::Value })
            })
        };
        let usage = || format!("{}\n", usage(subcommand));
        let line = parse(&argv[used..], takes).map_err(|text| Failure::new(format!("{text}{}", usage())))?;
        let given = line.positional.len();
        if given != positional.len() {
            let much = if given < positional.len() { "not enough" } else { "too many" };
            return Err(Failure::new(format!("400 {much} arguments\n{}", usage())));
        }
        let mut params: Params = line.options;
        for (key, word) in positional.iter().zip(&line.positional) {
            params.insert((*key).to_owned(), word.to_string_lossy().into_owned());
        }
        let format = params.get("output-format").cloned();
        params.retain(|option, _| OUTPUT.iter().all(|(output, _)| output != option));
        if name == "acl delete" {
            params.insert("delete".to_owned(), "1".to_owned());
        }
        if name == "user token permissions" {
            let token = params.remove("tokenid").unwrap_or_default();
            params.entry("userid".to_owned()).and_modify(|user| *user = format!("{user}!{token}"));
        }
        let _inside = self.runtime.enter();
        let answer = api::local(self.host, method, &filled(path, &params), params)
            .map_err(|error| view::api_failure(&error))?;
        self.out(shown(name, &answer, format.as_deref(), self.utf8));
        Ok(())
    }
}

fn find(words: &[String]) -> Result<(&'static Subcommand, usize), Failure> {
    let first = words.first().map(String::as_str).unwrap_or_default();
    if first.is_empty() {
        return Err(Failure::new("ERROR: no command specified"));
    }
    if let Some((_, name)) = ALIASES.iter().find(|(alias, _)| *alias == first) {
        let found = SUBCOMMANDS.iter().find(|(known, ..)| known == name);
        return found.map(|found| (found, 1)).ok_or_else(|| Failure::new("ERROR: no command specified"));
    }
    let fits = |(name, ..): &&Subcommand| {
        let parts: Vec<&str> = name.split(' ').collect();
        words.len() >= parts.len() && parts.iter().zip(words).all(|(part, word)| part == word)
    };
    let found = SUBCOMMANDS.iter().find(fits).map(|found| (found, found.0.split(' ').count()));
    found.ok_or_else(|| {
        let named =
            words.iter().take_while(|word| !word.starts_with('-')).take(2).cloned().collect::<Vec<_>>();
        Failure::new(format!("ERROR: unknown command 'pveum {}'", named.join(" ")))
    })
}

fn usage((name, positional, ..): &Subcommand) -> String {
    let words: Vec<String> = positional.iter().map(|word| format!(" <{word}>")).collect();
    format!("pveum {name}{} [OPTIONS]", words.concat())
}

/// The path with its placeholders filled, escaped where the path would be taken apart.
fn filled(path: &str, params: &Params) -> String {
    params.iter().fold(path.to_owned(), |path, (name, value)| {
        path.replace(&format!("{{{name}}}"), &value.replace('%', "%25").replace('/', "%2F"))
    })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shown(name: &str, answer: &Value, format: Option<&str>, utf8: bool) -> String {
    match (format, answer) {
        (_, Value::Null) => String::new(),
        (Some("json"), _) => format!("{answer}\n"),
        (Some("json-pretty"), _) => format!("{answer:#}\n"),
        (_, Value::Array(list)) => listed(list, utf8),
        (_, Value::Object(map)) if name.ends_with("permissions") => permissions(map, utf8),
        (_, Value::Object(map)) => {
            let rows: Vec<Vec<String>> =
                map.iter().map(|(key, value)| vec![key.clone(), text(value)]).collect();
            table(&["key", "value"], &rows, utf8)
        }
        (_, other) => format!("{}\n", text(other)),
    }
}

fn listed(list: &[Value], utf8: bool) -> String {
    let objects: Vec<&Map<String, Value>> = list.iter().filter_map(Value::as_object).collect();
    let mut columns: Vec<&str> =
        objects.iter().flat_map(|object| object.keys().map(String::as_str)).collect();
    columns.sort_unstable();
    columns.dedup();
    // What names the line comes first.
    columns.sort_by_key(|column| !column.ends_with("id") || *column == "ugid");
    let row = |object: &&Map<String, Value>| {
        columns.iter().map(|column| object.get(*column).map(text).unwrap_or_default()).collect()
    };
    if columns.is_empty() {
        String::new()
    } else {
        table(&columns, &objects.iter().map(row).collect::<Vec<_>>(), utf8)
    }
}

fn permissions(paths: &Map<String, Value>, utf8: bool) -> String {
    let row = |(path, privileges): (&String, &Value)| {
        let lines = privileges.as_object().into_iter().flatten().map(|(privilege, propagate)| {
            if *propagate == 1 { format!("{privilege} (*)\n") } else { format!("{privilege}\n") }
        });
        vec![path.clone(), lines.collect::<String>()]
    };
    let rows: Vec<Vec<String>> = paths.iter().map(row).collect();
    let drawn = table(&["ACL path", "Permissions"], &rows, utf8);
    format!("{drawn}Permissions marked with '(*)' have the 'propagate' flag set.\n")
}
