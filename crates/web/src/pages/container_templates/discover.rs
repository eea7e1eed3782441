//! `POST /templates/discover`.

use askama::Template;
use askama_web::WebTemplate;
use berth_operations::container_templates::{self, Problem, Report};

use crate::WebError;
use crate::extract::Call;
use crate::filters;
use crate::layout::{Layout, Section, Tone};

/// What "Discover" found.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/discover.html")]
pub(super) struct DiscoverPage {
    /// The frame.
    layout: Layout,
    /// Where the folders are.
    directory: String,
    /// In one sentence.
    summary: String,
    /// How the summary is meant.
    tone: Tone,
    /// What could not be read, by folder.
    broken: Vec<BrokenFolder>,
    /// Names of new ones.
    added: Vec<String>,
    /// Names of those that are different now, and what is.
    changed: Vec<(String, String)>,
    /// Names of those whose folder is gone.
    removed: Vec<String>,
}

/// A folder that could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BrokenFolder {
    /// Its name.
    name: String,
    /// Whether it is still used as it was read before.
    is_kept: bool,
    /// File and line, and what is wrong there.
    problems: Vec<(String, String)>,
}

/// Reads the folders anew and shows what is different. The answer is the page itself: asking again does no harm.
pub(super) async fn act(call: Call) -> Result<DiscoverPage, WebError> {
    let report = container_templates::discover(call.ctx()).await?;
    let layout = call.layout("Discover", Section::ContainerTemplates).await?;
    Ok(DiscoverPage {
        layout: layout.under("Templates", "/templates"),
        directory: call.ctx().settings.container_templates.display().to_string(),
        summary: summary(&report),
        tone: if report.problems.is_empty() { Tone::Success } else { Tone::Warning },
        broken: broken(&report),
        added: report.added,
        changed: report.changed.into_iter().map(|change| (change.name, change.what.join(", "))).collect(),
        removed: report.removed,
    })
}

fn summary(report: &Report) -> String {
    let counts = [
        (report.added.len(), "added"),
        (report.changed.len(), "changed"),
        (report.removed.len(), "removed"),
        (report.same, "as before"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    match broken(report).len() {
        0 if parts.is_empty() => parts.push("There is no template".into()),
        0 => {}
        1 => parts.push("1 could not be read".into()),
        count => parts.push(format!("{count} could not be read")),
    }
    parts.join(", ") + "."
}

/// Problems come sorted, a folder's own together.
fn broken(report: &Report) -> Vec<BrokenFolder> {
    let mut folders: Vec<BrokenFolder> = Vec::new();
    for Problem { file, line, message } in &report.problems {
        // The folder of all folders is named by its path.
        let name = if file.starts_with('/') { file } else { file.split('/').next().unwrap_or(file) };
        let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
        if folders.last().is_none_or(|folder| folder.name != name) {
            let is_kept = report.kept.iter().any(|kept| kept == name);
            folders.push(BrokenFolder { name: name.to_owned(), is_kept, problems: Vec::new() });
        }
        if let Some(folder) = folders.last_mut() {
            folder.problems.push((place, message.clone()));
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(file: &str, line: Option<usize>) -> Problem {
        Problem { file: file.into(), line, message: "is wrong".into() }
    }

    #[test]
    fn problems_are_grouped_by_folder() {
        let report = Report {
            same: 3,
            kept: vec!["web".into()],
            problems: vec![
                problem("db/scripts/10-a.sh", Some(2)),
                problem("web", None),
                problem("web/template.conf", Some(7)),
                problem("/srv/templates", None),
            ],
            ..Report::default()
        };
        let found: Vec<_> = broken(&report)
            .into_iter()
            .map(|folder| {
                (
                    folder.name,
                    folder.is_kept,
                    folder.problems.into_iter().map(|(place, _)| place).collect::<Vec<_>>().join(" "),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("db".to_owned(), false, "db/scripts/10-a.sh:2".to_owned()),
                ("web".to_owned(), true, "web web/template.conf:7".to_owned()),
                ("/srv/templates".to_owned(), false, "/srv/templates".to_owned()),
            ]
        );
        assert_eq!(summary(&report), "3 as before, 3 could not be read.");
        assert_eq!(summary(&Report::default()), "There is no template.");
    }
}
