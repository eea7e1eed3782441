//! What the login page shows.

use askama::Template;
use askama_web::WebTemplate;
use time::OffsetDateTime;

use crate::filters;
use crate::forms::{Choice, Field};
use crate::layout::{Layout, Tone};

/// A certificate somebody is asked to trust.
#[derive(Debug, Clone)]
pub struct CertificateView {
    /// SHA-256 in upper-case hex with colons, as Proxmox shows it.
    pub fingerprint: String,
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Start of its validity.
    pub valid_from: OffsetDateTime,
    /// End of its validity.
    pub valid_until: OffsetDateTime,
    /// Host names and addresses it is for.
    pub names: Vec<String>,
}

/// Why the login did not go through.
#[derive(Debug, Clone)]
pub enum LoginProblem {
    /// One message for wrong credentials, unknown realm and unreachable host: it must not tell which.
    Refused,
    /// Too many attempts.
    Throttled {
        /// Seconds to wait.
        retry_after_seconds: u64,
    },
    /// The account has a second factor.
    TwoFactor,
    /// The host shows another certificate than the one that was trusted.
    CertificateChanged {
        /// The fingerprint that was trusted.
        trusted: String,
        /// The fingerprint it shows now.
        presented: String,
        /// The command line that accepts the new one.
        command: String,
    },
}

/// What was typed. The password is never sent back.
#[derive(Debug, Clone)]
pub struct LoginForm {
    /// Host name or address; with `login_hosts` it holds the chosen `host:port`.
    pub host: Field,
    /// API port.
    pub port: Field,
    /// User name without realm.
    pub user: Field,
    /// Realm.
    pub realm: Field,
    /// Message beside the password.
    pub password_error: Option<String>,
    /// The realms of that host, or the fallback.
    pub realms: Vec<Choice>,
    /// The only hosts that may log people in; empty means that any may be typed.
    pub login_hosts: Vec<Choice>,
}

/// `/login`.
#[derive(Template, WebTemplate)]
#[template(path = "login/show.html")]
pub struct LoginPage {
    /// The frame.
    pub layout: Layout,
    /// What was typed.
    pub form: LoginForm,
    /// Where to go afterwards, a relative path.
    pub next: String,
    /// Why it did not go through.
    pub problem: Option<LoginProblem>,
    /// An unknown certificate: nothing has been sent to that host yet. Its fingerprint comes back as `trust`.
    pub certificate: Option<CertificateView>,
}

/// `/login/realms`: the select of realms, once a host is typed.
#[derive(Template, WebTemplate)]
#[template(path = "login/_realms.html")]
pub struct RealmsFragment {
    /// The chosen realm.
    pub realm: Field,
    /// What the host offers.
    pub realms: Vec<Choice>,
}
