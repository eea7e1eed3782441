//! Somebody who sends requests as they like.

use std::net::SocketAddr;
use std::time::Duration;

use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{SimulatorProcess, TestApp};
use serde::Serialize;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The session that this answer opens.
    pub(crate) fn session(&self) -> Option<String> {
        let cookies = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        let pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.strip_prefix("berth_session="));
        pairs.filter(|value| !value.is_empty()).map(str::to_owned).next()
    }
}

/// Form fields.
pub(crate) type Fields = Vec<(&'static str, String)>;

pub(crate) struct Visitor {
    base: String,
    http: reqwest::Client,
}

impl Visitor {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.into(), http: berth_testkit::browser::http() }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.base)), headers).await
    }

    pub(crate) async fn post<F: Serialize + ?Sized>(
        &self,
        path: &str,
        fields: &F,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send(self.http.post(format!("{}{path}", self.base)).form(fields), headers).await
    }

    pub(crate) async fn log_in(&self, fields: &Fields) -> Answer {
        self.post("/login", fields, &[]).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Answer {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.timeout(Duration::from_mins(1)).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    /// A page as somebody with this session sees it.
    pub(crate) async fn page(&self, path: &str, session: &str) -> Answer {
        self.get(path, &[("cookie", &format!("berth_session={session}"))]).await
    }

    /// Whether the session is somebody's.
    pub(crate) async fn is_open(&self, session: &str) -> bool {
        self.page("/settings", session).await.status == 200
    }
}

/// The login form for `root@pam`, its password right, trusting what is named.
pub(crate) fn root(host: SocketAddr, trust: &str) -> Fields {
    login(host, "root", ROOT_PASSWORD, trust)
}

pub(crate) fn login(host: SocketAddr, user: &str, password: &str, trust: &str) -> Fields {
    vec![
        ("host", host.ip().to_string()),
        ("port", host.port().to_string()),
        ("user", user.into()),
        ("password", password.into()),
        ("realm", "pam".into()),
        ("trust", trust.into()),
        ("next", "/settings".into()),
    ]
}

/// The fingerprint of a simulated host's certificate.
pub(crate) fn certificate(host: &SimulatorProcess) -> &str {
    &host.nodes[0].certificate_sha256
}

/// Logs `root@pam` in through the simulated host; answers the session.
pub(crate) async fn logged_in(app: &TestApp, visitor: &Visitor) -> String {
    let answer = visitor.log_in(&root(app.simulator.api, certificate(&app.simulator))).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/settings"), "{}", answer.body);
    answer.session().expect("a login opens a session")
}

/// Who has logged in so far, as `host:port userid`.
pub(crate) async fn users(app: &TestApp) -> Vec<String> {
    let users = "select login_host || ':' || login_port || ' ' || userid from users order by created_at";
    sqlx::query_scalar(users).fetch_all(&app.ctx.pg).await.unwrap()
}
