//! `POST /templates/discover`.

use berth_operations::container_templates::{self, Report};

use super::list::with_report;
use super::view::{ContainerTemplatesPage, DiscoveryProblem, DiscoveryReport};
use crate::WebError;
use crate::extract::Call;

/// Reads the folders anew and shows what is different. The answer is the page itself: asking again does no harm.
pub(super) async fn act(call: Call) -> Result<ContainerTemplatesPage, WebError> {
    let report = container_templates::discover(call.ctx()).await?;
    with_report(&call, Some(view(report))).await
}

fn view(report: Report) -> DiscoveryReport {
    let problem = |problem: container_templates::Problem| DiscoveryProblem {
        file: problem.file.display().to_string(),
        line: problem.line,
        message: problem.message,
    };
    DiscoveryReport {
        added: report.added,
        changed: report.changed,
        removed: report.removed,
        problems: report.problems.into_iter().map(problem).collect(),
    }
}
