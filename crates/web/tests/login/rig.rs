//! The application on a simulated host, with a clock that the test moves, and a browser that shows its cookies.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use berth_domain::Clock;
use berth_operations::creation::ProgressHub;
use berth_operations::dashboard::Live;
use berth_operations::{Context, Settings};
use berth_testkit::TestApp;
use berth_testkit::form::Form;
use berth_testkit::second_factor::ALICE;
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_web::AppState;
use scraper::{Html, Selector};
use tower::ServiceExt as _;

/// What root may do on the simulated host.
pub(crate) const ROOT: (&str, &str, &str) = ("root", ROOT_PASSWORD, "pam");
pub(crate) const ALICE_AT_PVE: (&str, &str, &str) = (ALICE.0, ALICE.1, "pve");

pub(crate) struct Rig {
    pub(crate) app: TestApp,
    pub(crate) ctx: Context,
    pub(crate) router: Router,
    minutes: Arc<AtomicI64>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Settings { login_refusal: Duration::ZERO, ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let app = TestApp::start().await;
        let minutes = Arc::new(AtomicI64::new(0));
        let (ahead, machine) = (minutes.clone(), Clock::system());
        let clock =
            Clock::from_fn(move || machine.now() + time::Duration::minutes(ahead.load(Ordering::SeqCst)));
        let settings = Settings { container_templates: app.templates(), ..settings };
        let ctx = Context { clock, settings: Arc::new(settings), ..app.ctx.clone() };
        let hub = ProgressHub::start(ctx.pg.clone(), ctx.redis.clone()).await.unwrap();
        let live = Live::start(ctx.clone()).await.unwrap();
        let state = AppState::new(ctx.clone(), hub, live);
        Self { app, ctx, router: berth_web::app(state, false), minutes }
    }

    /// Berth's clock is put forward.
    pub(crate) fn later(&self, minutes: i64) {
        self.minutes.fetch_add(minutes, Ordering::SeqCst);
    }

    /// Somebody at a browser without cookies.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor {
            router: self.router.clone(),
            cookie: None,
            from: Ipv4Addr::new(192, 0, 2, 1).into(),
            headers: Vec::new(),
        }
    }

    /// The login form, filled in.
    pub(crate) async fn filled(&self, visitor: &mut Visitor, next: &str, who: (&str, &str, &str)) -> Form {
        let page = visitor.get(&format!("/login{next}")).await;
        let form = page.form("/login");
        // A claimed host is chosen from a list.
        let host = self.app.simulator.api;
        let form = if form.value("port").is_some() {
            form.set("host", host.ip().to_string()).set("port", host.port().to_string())
        } else {
            form.set("host", host.to_string())
        };
        form.set("user", who.0).set("password", who.1).set("realm", who.2)
    }

    /// Gives the password, and trusts the certificate where that is asked.
    pub(crate) async fn password(&self, visitor: &mut Visitor, next: &str, who: (&str, &str, &str)) -> Page {
        let form = self.filled(visitor, next, who).await;
        let page = visitor.submit(&form).await;
        if page.count("input[name=trust]") == 0 {
            return page;
        }
        visitor.submit(&page.form("/login").tick("trust").set("password", who.1)).await
    }

    /// Somebody who is logged in.
    pub(crate) async fn logged_in(&self, who: (&str, &str, &str)) -> Visitor {
        let mut visitor = self.visitor();
        let page = self.password(&mut visitor, "", who).await;
        assert_eq!((page.status, page.location.as_str()), (StatusCode::SEE_OTHER, "/"), "{}", page.html);
        visitor
    }
}

#[derive(Clone)]
pub(crate) struct Visitor {
    router: Router,
    pub(crate) cookie: Option<String>,
    pub(crate) from: IpAddr,
    /// Sent with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) location: String,
    pub(crate) html: String,
}

impl Visitor {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn submit(&mut self, form: &Form) -> Page {
        let fields: Vec<(&str, &str)> =
            form.fields().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&form.action, &fields).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// An answer whose body may have no end.
    pub(crate) async fn open(&self, mut request: Request<Body>) -> axum::response::Response {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.from, 40000)));
        let headers = request.headers_mut();
        headers.insert("host", "berth".parse().unwrap());
        if let Some(cookie) = &self.cookie {
            headers.insert("cookie", cookie.parse().unwrap());
        }
        for (name, value) in &self.headers {
            headers.insert(*name, value.parse().unwrap());
        }
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn send(&mut self, request: Request<Body>) -> Page {
        let (parts, body) = self.open(request).await.into_parts();
        let text =
            |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        if let Some(pair) = text("set-cookie").split(';').next().filter(|pair| !pair.is_empty()) {
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        let location = text("location");
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let html = String::from_utf8_lossy(&body).into_owned();
        Page { status: parts.status, headers: parts.headers, location, html }
    }

    /// Whether anybody is logged in here.
    pub(crate) async fn is_logged_in(&mut self) -> bool {
        self.get("/settings").await.status == StatusCode::OK
    }
}

impl Page {
    pub(crate) fn form(&self, action: &str) -> Form {
        Form::of(&self.html, action)
            .unwrap_or_else(|| panic!("no form for {action}: {} {}", self.status, self.html))
    }

    fn texts(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        let selector = Selector::parse(selector).unwrap();
        let texts = html.select(&selector).map(|element| element.text().collect::<Vec<_>>().join(" "));
        texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// Where the link goes whose address has this in it.
    pub(crate) fn link(&self, part: &str) -> String {
        let links = self.attributes("a", "href");
        links.into_iter().find(|address| address.contains(part)).unwrap()
    }

    pub(crate) fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        let selector = Selector::parse(selector).unwrap();
        html.select(&selector).filter_map(|element| element.attr(name).map(str::to_owned)).collect()
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        self.texts(selector).join(" | ")
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.texts(selector).len()
    }
}
