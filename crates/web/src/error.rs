//! What can go wrong on the way to a page, and how it is shown.
//!
//! An error only describes itself here; [`crate::middleware::error_pages`] turns it into a page or, for htmx, a toast,
//! because only there the request, its id and its user are known.

use std::error::Error;
use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::filters;
use crate::layout::Layout;

/// Any error as it is kept for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A node that does not do what was asked of it.
#[derive(Debug, Clone)]
pub struct NodeTrouble {
    /// The node's display name.
    pub node: String,
    /// What happened, in one sentence.
    pub cause: String,
    /// What its owner can do about it.
    pub remedy: String,
    /// Where to try again, if trying again may help.
    pub retry: Option<String>,
}

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// There is no such thing, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// The request cannot be read.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// What was asked clashes with what is already so.
    #[error("conflict: {0}")]
    Conflict(String),
    /// More was sent than is read.
    #[error("too large: {0}")]
    TooLarge(String),
    /// Too many attempts.
    #[error("too many attempts, next in {retry_after_seconds} s")]
    TooManyAttempts {
        /// Seconds until the next attempt is worth it.
        retry_after_seconds: u64,
    },
    /// A node is in trouble.
    #[error("node {}: {}", .0.node, .0.cause)]
    Node(Box<NodeTrouble>),
    /// Not the reader's fault, and nothing they could act on: shown as a request id.
    #[error("{0}")]
    Internal(#[source] Cause),
}

impl WebError {
    /// An error that is only for the log.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Node(_) => StatusCode::BAD_GATEWAY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The error that made a response, for the layer that renders and logs it.
#[derive(Debug, Clone)]
pub struct Failure(pub Arc<WebError>);

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Self::TooManyAttempts { retry_after_seconds } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

impl From<askama::Error> for WebError {
    fn from(cause: askama::Error) -> Self {
        Self::internal(cause)
    }
}

impl From<berth_operations::Error> for WebError {
    fn from(error: berth_operations::Error) -> Self {
        use berth_operations::Error;
        match error {
            Error::NotFound => Self::NotFound,
            // A form renders its own messages; what arrives here had none.
            Error::Invalid(fields) => Self::BadRequest(fields.to_string()),
            Error::Conflict(text) => Self::Conflict(text),
            Error::Behind => Self::Conflict(error.to_string()),
            Error::Node(trouble) => Self::Node(Box::new(NodeTrouble::from(*trouble))),
            Error::Throttled { retry_after } => Self::TooManyAttempts { retry_after_seconds: retry_after },
            Error::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<berth_operations::NodeTrouble> for NodeTrouble {
    fn from(trouble: berth_operations::NodeTrouble) -> Self {
        Self::told(trouble.node, &trouble.error.to_string())
    }
}

impl NodeTrouble {
    /// From a text whose last sentence says what to do, as those of the Proxmox client do.
    pub fn told(node: impl Into<String>, text: &str) -> Self {
        let (cause, remedy) =
            text.split_once(". ").unwrap_or((text, "Look at the node under Settings, Nodes, and try again"));
        Self { node: node.into(), cause: cause.into(), remedy: remedy.into(), retry: None }
    }
}

/// What an error page says.
#[derive(Debug)]
pub struct Message {
    /// What happened, as a heading.
    pub title: String,
    /// What the reader can do.
    pub text: String,
    /// What exactly went wrong, where the reader can act on it.
    pub detail: Option<String>,
    /// Where to try again.
    pub retry: Option<String>,
    /// The request id, where the log has the rest.
    pub request_id: Option<String>,
}

impl Message {
    /// What to say about a status, and about its error if a page made it.
    pub fn about(status: StatusCode, error: Option<&WebError>, request_id: &str) -> Self {
        match error {
            Some(WebError::Node(trouble)) => Self {
                title: format!("{} does not answer as it should", trouble.node),
                text: trouble.remedy.clone(),
                detail: Some(trouble.cause.clone()),
                retry: trouble.retry.clone(),
                request_id: None,
            },
            Some(WebError::Conflict(text)) => Self::plain("That is not possible now", text),
            Some(WebError::BadRequest(text)) => Self::plain("This request cannot be read", text),
            Some(WebError::TooLarge(text)) => Self::plain("That is too large", text),
            Some(WebError::TooManyAttempts { retry_after_seconds }) => {
                let wait = filters::words(*retry_after_seconds);
                Self::plain("Too many attempts", &format!("Wait {wait} and try again."))
            }
            _ => Self::of_status(status, request_id),
        }
    }

    fn of_status(status: StatusCode, request_id: &str) -> Self {
        let (title, text) = match status {
            StatusCode::NOT_FOUND => {
                ("Page not found", "It may have been deleted, or the address has a typing error.")
            }
            StatusCode::FORBIDDEN => {
                ("This request was refused", "It came from another site. Go back to Berth and try it there.")
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                ("That does not work here", "Go back and try it from the page itself.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("That is too large", "Send less at once."),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => {
                ("This took too long", "The request was given up. Try again in a moment.")
            }
            other if other.is_client_error() => {
                ("This request cannot be read", "Go back, reload the page and try again.")
            }
            _ => ("Something went wrong", "It is not your fault, and it has been written to the log."),
        };
        let mut message = Self::plain(title, text);
        message.request_id = status.is_server_error().then(|| request_id.to_owned());
        message
    }

    fn plain(title: &str, text: &str) -> Self {
        Self { title: title.into(), text: text.into(), detail: None, retry: None, request_id: None }
    }
}

/// The page shown instead of the one that failed.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// The status, shown small.
    pub status: u16,
    /// What to say.
    pub message: Message,
}

/// What htmx swaps into the toasts when a fragment failed.
#[derive(Template)]
#[template(path = "error_toast.html")]
pub struct ErrorToast {
    /// What to say.
    pub message: Message,
}
