//! What the login page shows.

use askama::Template;
use askama_web::WebTemplate;
use berth_operations::login::Factor;
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
    /// The account's only second factor is one that cannot be asked for here.
    OnlySecurityKey,
    /// The second step took too long, was done already, or had too many wrong codes.
    Ended,
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
    /// Message beside the password.
    pub password_error: Option<String>,
    /// The realms of that host, or the fallback.
    pub realms: RealmSelect,
    /// The only hosts that may log people in; empty means that any may be typed.
    pub login_hosts: Vec<Choice>,
}

/// The realms to choose from.
#[derive(Debug, Clone)]
pub struct RealmSelect {
    /// The chosen one.
    pub realm: Field,
    /// What is chosen where nobody chooses; it comes back with the form, so that a choice can be told from it.
    pub default: String,
    /// What the host offers.
    pub choices: Vec<Choice>,
}

impl RealmSelect {
    /// Chooses what was typed, whether the host offers it now or not.
    pub fn keep(&mut self, realm: String) {
        if !self.choices.iter().any(|choice| choice.value == realm) {
            self.choices.push(Choice::new(&realm, &realm));
        }
        self.realm.value = realm;
    }
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
    /// The realms of the host.
    pub realms: RealmSelect,
}

/// How a second factor is asked for.
#[derive(Debug, Clone, Copy)]
pub struct FactorView {
    /// As the form sends it.
    pub name: &'static str,
    /// The field's label.
    pub label: &'static str,
    /// What to type.
    pub hint: &'static str,
    /// The keyboard that a phone shows.
    pub inputmode: &'static str,
    /// The link to it from another one.
    pub link: &'static str,
}

impl FactorView {
    /// The words for a factor.
    pub const fn of(factor: Factor) -> Self {
        let name = factor.name();
        match factor {
            Factor::Totp => Self {
                name,
                label: "Code",
                hint: "The digits that your authenticator app shows for this account.",
                inputmode: "numeric",
                link: "Use your authenticator app instead",
            },
            Factor::Recovery => Self {
                name,
                label: "Recovery key",
                hint: "One of the keys that Proxmox gave you to print. Each works only once.",
                inputmode: "text",
                link: "Use a recovery key instead",
            },
            Factor::Yubico => Self {
                name,
                label: "One-time password",
                hint: "Put the cursor into the field and touch your YubiKey.",
                inputmode: "text",
                link: "Use a Yubico one-time password instead",
            },
        }
    }
}

/// `/login/second-factor`.
#[derive(Template, WebTemplate)]
#[template(path = "login/second_factor.html")]
pub struct SecondFactorPage {
    /// The frame.
    pub layout: Layout,
    /// Who gave the right password.
    pub userid: String,
    /// Where.
    pub host: String,
    /// What is asked for.
    pub factor: FactorView,
    /// What else the account has: link text and address.
    pub others: Vec<(&'static str, String)>,
    /// Whether it also has a security key.
    pub security_key: bool,
    /// What is wrong with the code.
    pub error: Option<String>,
    /// Too many attempts: seconds to wait.
    pub retry_after_seconds: Option<u64>,
    /// Where to go afterwards, a relative path.
    pub next: String,
    /// The way back to the first step.
    pub start_over: String,
}
