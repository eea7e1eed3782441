//! `/nodes/{node}/tasks` and `/cluster/tasks`.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::Handled;
use crate::state::{ApiError, Host};
use crate::tasks::{TaskRecord, Upid};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let result = match route {
        ("GET", "/nodes/{node}/tasks") => Ok(list(call)),
        ("GET", "/cluster/tasks") => Ok(cluster(call).into()),
        ("GET", "/nodes/{node}/tasks/{upid}/status") => status(call),
        ("GET", "/nodes/{node}/tasks/{upid}/log") => log(call),
        ("DELETE", "/nodes/{node}/tasks/{upid}") => stop(call),
        _ => return None,
    };
    Some(result)
}

/// The parsed UPID; whose task it is not needs `privilege` on the node.
fn upid(call: &Call, privilege: &str) -> std::result::Result<Upid, ApiError> {
    let upid: Upid = call
        .get("upid")
        .parse()
        .map_err(|error: crate::tasks::UpidError| ApiError::param("upid", error.to_string()))?;
    if !is_own(call, &upid) {
        call.require(&format!("/nodes/{}", call.get("node")), &[privilege], false)?;
    }
    Ok(upid)
}

/// A user's tasks are those of his tokens too; a token's are only its own.
fn is_own(call: &Call, upid: &Upid) -> bool {
    upid.authid == call.caller.authid()
        || (call.caller.token.is_none() && upid.user_and_token().0 == call.caller.user)
}

fn shown(upid: &Upid) -> Value {
    let (user, token) = upid.user_and_token();
    let mut shown = json!({
        "upid": upid.to_string(), "node": upid.node, "pid": upid.pid, "pstart": upid.pstart,
        "starttime": upid.starttime, "type": upid.kind, "id": upid.id, "user": user,
    });
    if let Some(token) = token {
        shown["tokenid"] = json!(token);
    }
    shown
}

fn status(call: &Call) -> Result {
    let upid = upid(call, "Sys.Audit")?;
    let task = call.host.task(call.get("upid")).ok_or_else(|| ApiError::param("upid", "no such task"))?;
    let mut shown = shown(&upid);
    shown["status"] = json!(if task.endtime.is_some() { "stopped" } else { "running" });
    if let Some(exit) = task.status {
        shown["exitstatus"] = json!(exit);
    }
    Ok(shown.into())
}

fn log(call: &Call) -> Result {
    upid(call, "Sys.Audit")?;
    let number =
        |name: &str, usual: usize| call.params.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (start, limit) = (number("start", 0), number("limit", 50));
    let missing = || vec![format!("unable to open file - {}", file_error(call.get("upid")))];
    let mut lines = call.host.task(call.get("upid")).map_or_else(missing, |task| task.log);
    if lines.is_empty() {
        lines.push("no content".to_owned());
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let page = lines
        .iter()
        .enumerate()
        .skip(start)
        .take(limit)
        .map(|(index, line)| json!({ "n": index + 1, "t": line }));
    Ok(Answer { data: Value::Array(page.collect()), total: lines.len() })
}

fn file_error(upid: &str) -> String {
    let starttime = upid.split(':').nth(4).unwrap_or_default();
    let folder = starttime.chars().last().map(String::from).unwrap_or_default();
    format!("'/var/log/pve/tasks/{folder}/{upid}': No such file or directory")
}

fn stop(call: &Call) -> Result {
    upid(call, "Sys.Modify")?;
    call.host.tasks().kill(call.get("upid"));
    Ok(Value::Null.into())
}

fn entry(host: &Host, task: &TaskRecord) -> Option<(Upid, Value)> {
    let upid: Upid = task.upid.parse().ok()?;
    let mut shown = shown(&upid);
    if host.tasks().is_running(&task.upid) && task.endtime.is_none() {
        shown["status"] = json!("RUNNING");
        shown["saved"] = json!("0");
        shown["user"] = json!(upid.authid);
        shown.as_object_mut().and_then(|entries| entries.remove("tokenid"));
    } else {
        shown["endtime"] = json!(task.endtime);
        shown["status"] = json!(task.status);
    }
    Some((upid, shown))
}

fn list(call: &Call) -> Answer {
    let number = |name: &str| call.params.get(name).and_then(|text| text.parse::<i64>().ok());
    let source = call.params.get("source").map_or("archive", String::as_str);
    let audit = call.may(&format!("/nodes/{}", call.get("node")), &["Sys.Audit"], false);
    let kinds = crate::state::ops::split_list(call.get("statusfilter"));
    let fits = |upid: &Upid, task: &TaskRecord| {
        let running = task.endtime.is_none();
        let failed = task.status.as_deref().is_some_and(|status| status != "OK");
        (source == "all" || (source == "active") == running)
            && (audit || is_own(call, upid))
            && (!call.flag("errors") || failed)
            && call.params.get("vmid").is_none_or(|vmid| *vmid == upid.id)
            && call.params.get("typefilter").is_none_or(|kind| *kind == upid.kind)
            && upid.authid.contains(call.get("userfilter"))
            && number("since").is_none_or(|since| upid.starttime >= since)
            && number("until").is_none_or(|until| upid.starttime <= until)
            && (kinds.is_empty() || kinds.iter().any(|kind| kind == kind_of(task)))
    };
    let tasks = call.host.read(|model| model.tasks.clone());
    let found: Vec<Value> = tasks
        .iter()
        .rev()
        .filter_map(|task| {
            entry(&call.host, task).filter(|(upid, _)| fits(upid, task)).map(|(_, shown)| shown)
        })
        .collect();
    let skip = number("start").and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
    let limit = number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(50);
    let total = found.len();
    Answer { data: Value::Array(found.into_iter().skip(skip).take(limit).collect()), total }
}

fn kind_of(task: &TaskRecord) -> &'static str {
    match task.status.as_deref() {
        Some("OK") => "ok",
        Some(status) if status.starts_with("WARNINGS") => "warning",
        Some("unexpected status") | None => "unknown",
        Some(_) => "error",
    }
}

/// The last 25 tasks of all members.
fn cluster(call: &Call) -> Value {
    let mut found: Vec<(i64, Value)> = Vec::new();
    for host in std::iter::once(call.host.clone()).chain(call.host.members()) {
        let audit = call.may(&format!("/nodes/{}", host.node()), &["Sys.Audit"], false);
        for task in host.read(|model| model.tasks.clone()) {
            let Some((upid, mut shown)) = entry(&host, &task).filter(|(upid, _)| audit || is_own(call, upid))
            else {
                continue;
            };
            let entries = shown.as_object_mut().expect("an entry is an object");
            entries.remove("pstart");
            if task.endtime.is_some() {
                entries.remove("pid");
                entries.insert("saved".to_owned(), json!("1"));
            } else {
                let (user, token) = upid.user_and_token();
                entries.remove("status");
                entries.remove("saved");
                entries.insert("user".to_owned(), json!(user));
                token.map(|token| entries.insert("tokenid".to_owned(), json!(token)));
            }
            found.push((upid.starttime, shown));
        }
    }
    found.sort_by_key(|(starttime, _)| std::cmp::Reverse(*starttime));
    Value::Array(found.into_iter().take(25).map(|(_, shown)| shown).collect())
}
