//! A browser without a screen: cookies, redirects, forms and event streams.

use std::sync::Once;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::form::Form;

const TIMEOUT: Duration = Duration::from_mins(1);
const MOST_REDIRECTS: usize = 5;

/// An HTTP client that follows nothing and keeps nothing.
pub fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Somebody else may have installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}

/// One person at a browser.
#[derive(Debug)]
pub struct Browser {
    base: String,
    http: reqwest::Client,
    cookie: Option<String>,
    /// Every session cookie that was set.
    pub sessions: Vec<String>,
    /// Every page that was seen.
    pub seen: String,
}

/// A page as it was shown.
#[derive(Clone, Debug)]
pub struct Page {
    /// Status of the answer.
    pub status: u16,
    /// Path and query, after redirects.
    pub path: String,
    /// Its text.
    pub html: String,
}

impl Page {
    /// The form whose action begins with `action`.
    pub fn form(&self, action: &str) -> Form {
        Form::of(&self.html, action).unwrap_or_else(|| {
            panic!("no form for {action} on {} ({}): {}", self.path, self.status, self.html)
        })
    }
}

impl Page {
    /// Where the first link goes whose address begins with `address`, other than to a form for a new one.
    pub fn link(&self, address: &str) -> Option<String> {
        let page = scraper::Html::parse_document(&self.html);
        let links = scraper::Selector::parse("a[href]").expect("a valid selector");
        let mut addresses = page.select(&links).filter_map(|link| link.attr("href"));
        let new = format!("{address}new");
        addresses
            .find(|found| found.starts_with(address) && !found.starts_with(&new) && !found.ends_with("/new"))
            .map(str::to_owned)
    }
}

/// An event of an event stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its `id`.
    pub id: i64,
    /// Its `event`.
    pub kind: String,
    /// Its `data`.
    pub data: Value,
}

/// An open event stream.
#[derive(Debug)]
pub struct Stream {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Stream {
    /// The data of the next event of this name; fails the test when none comes.
    pub async fn next(&mut self, name: &str) -> String {
        let name = format!("event: {name}\n");
        let read = async {
            loop {
                while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                    let block = String::from_utf8(block).unwrap();
                    if block.contains(&name) {
                        return block.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                    }
                }
                self.buffer
                    .extend_from_slice(&self.response.chunk().await.unwrap().expect("the stream goes on"));
            }
        };
        tokio::time::timeout(TIMEOUT, read).await.unwrap_or_else(|_| panic!("no {name}"))
    }
}

impl Browser {
    /// At `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Self {
        Self { base: base.into(), http: http(), cookie: None, sessions: Vec::new(), seen: String::new() }
    }

    /// Where it looks, without a path.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Page {
        self.load(path, None).await
    }

    /// Sends a form.
    pub async fn submit(&mut self, form: &Form) -> Page {
        self.load(&form.action, Some(form.fields())).await
    }

    /// Goes on at another `berth web`, with the same cookie, as behind a proxy.
    pub fn move_to(&mut self, base: &str) {
        base.clone_into(&mut self.base);
    }

    async fn load(&mut self, path: &str, fields: Option<&[(String, String)]>) -> Page {
        let (mut path, mut fields) = (path.to_owned(), fields);
        for _ in 0..MOST_REDIRECTS {
            let url = format!("{}{path}", self.base);
            let request = match fields {
                None => self.http.get(url),
                Some(fields) => self.http.post(url).header("sec-fetch-site", "same-origin").form(fields),
            };
            let response = self.with_cookie(request).timeout(TIMEOUT).send().await.unwrap();
            self.keep_cookie(&response);
            if response.status().is_redirection() {
                path = response.headers()[LOCATION].to_str().unwrap().to_owned();
                fields = None;
                continue;
            }
            let status = response.status().as_u16();
            let html = response.text().await.unwrap();
            self.seen.push_str(&html);
            return Page { status, path, html };
        }
        panic!("redirected without end, at last to {path}");
    }

    /// Reads an event stream from after event `after` until `enough` or its end.
    pub async fn events(&self, path: &str, after: i64, mut enough: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let request =
            self.http.get(format!("{}{path}", self.base)).header("last-event-id", after.to_string());
        let mut response = self.with_cookie(request).timeout(TIMEOUT).send().await.unwrap();
        assert!(
            response.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("text/event-stream"),
            "{}",
            response.status()
        );
        let (mut buffer, mut events) = (Vec::new(), Vec::new());
        while let Some(bytes) = response.chunk().await.unwrap() {
            buffer.extend_from_slice(&bytes);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = buffer.drain(..end + 2).collect();
                if let Some(event) = parse(&String::from_utf8_lossy(&block)) {
                    let last = enough(&event);
                    events.push(event);
                    if last {
                        return events;
                    }
                }
            }
        }
        events
    }

    /// Opens an event stream and leaves it open.
    pub async fn stream(&self, path: &str) -> Stream {
        let request = self.http.get(format!("{}{path}", self.base)).header("accept", "text/event-stream");
        let response = self.with_cookie(request).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        Stream { response, buffer: Vec::new() }
    }

    /// Sends a form as a script does that watches: each event's name and data until `enough` or the end, when the
    /// connection is dropped. The answer's status comes first.
    pub async fn watch(
        &self,
        form: &Form,
        mut enough: impl FnMut(&str, &str) -> bool,
    ) -> (u16, Vec<(String, String)>) {
        let request = self.http.post(format!("{}{}", self.base, form.action)).form(form.fields());
        let request = request.header("sec-fetch-site", "same-origin").header("accept", "text/event-stream");
        let mut response = self.with_cookie(request).timeout(TIMEOUT).send().await.unwrap();
        let status = response.status().as_u16();
        let (mut buffer, mut events) = (Vec::new(), Vec::new());
        while let Some(bytes) = response.chunk().await.unwrap() {
            buffer.extend_from_slice(&bytes);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).unwrap();
                let all = |name: &str| {
                    block
                        .lines()
                        .filter_map(|line| line.strip_prefix(name))
                        .map(str::trim_start)
                        .collect::<Vec<_>>()
                        .join("\n")
                };
                let (name, data) = (all("event:"), all("data:"));
                let last = enough(&name, &data);
                events.push((name, data));
                if last {
                    return (status, events);
                }
            }
        }
        (status, events)
    }

    fn with_cookie(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    fn keep_cookie(&mut self, response: &reqwest::Response) {
        for header in response.headers().get_all(SET_COOKIE) {
            let pair = header.to_str().unwrap().split(';').next().unwrap_or_default();
            if let Some(session) = pair.strip_prefix("berth_session=") {
                self.sessions.push(session.to_owned());
                self.cookie = Some(pair.to_owned());
            }
        }
    }
}

/// A comment that only keeps the line open is none.
fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Event {
        id: field("id:")?.parse().ok()?,
        kind: field("event:")?.to_owned(),
        data: serde_json::from_str(field("data:")?).ok()?,
    })
}
