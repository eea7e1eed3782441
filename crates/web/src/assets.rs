//! The front end's files, embedded in the binary and served for ever under hashed names.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use askama::filters::HtmlSafe;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

/// One year: a file's name changes with its content, so it never needs to be asked for again.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Precompressed forms the build writes beside each file, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

#[derive(RustEmbed)]
#[folder = "../../static/dist/"]
struct Dist;

static MANIFEST: LazyLock<HashMap<String, String>> = LazyLock::new(|| json("manifest.json"));

/// Reads one of the build's JSON maps; the build script has made sure that they exist.
pub(crate) fn json(name: &str) -> HashMap<String, String> {
    let file = Dist::get(name).expect("static/dist is complete: build.rs checked its manifest");
    serde_json::from_slice(&file.data).expect("static/build.mjs writes maps of strings")
}

/// The address of a built file, such as `/static/app-1a2b3c.css` for `app.css`; `None` if the build made no such file.
pub fn asset(name: &str) -> Option<String> {
    MANIFEST.get(name).map(|hashed| format!("/static/{hashed}"))
}

/// The script that runs before the first paint. It stands in the page itself: nothing but CSS is waited for.
#[derive(Debug, Clone, Copy)]
pub struct BootScript;

static BOOT: LazyLock<String> = LazyLock::new(|| {
    let file = Dist::get(&format!("files/{}", MANIFEST["boot.js"])).expect("the build makes boot.js");
    String::from_utf8_lossy(&file.data).into_owned()
});

impl BootScript {
    /// What allows it to run, for the `script-src` of a content security policy.
    pub fn source() -> String {
        format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(BOOT.as_bytes())))
    }
}

impl fmt::Display for BootScript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BOOT)
    }
}

// Our own build's text, and never a `</script>`: a test.
impl HtmlSafe for BootScript {}

/// Serves `/static/{file}`.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/static/{file}", get(serve))
}

async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    if !MANIFEST.values().any(|hashed| *hashed == file) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let content_type = mime_guess::from_path(&file).first_or_octet_stream();
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (encoding, path) = choose(accepted, &file);
    let Some(embedded) = Dist::get(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = Body::from(embedded.data).into_response();
    let answer = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(content_type.as_ref()) {
        answer.insert(header::CONTENT_TYPE, value);
    }
    answer.insert(header::CACHE_CONTROL, FOR_EVER);
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether a client whose `Accept-Encoding` this is takes an encoding.
pub(crate) fn takes(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        name.trim() == encoding && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// The best encoding the client takes, and the embedded path that holds it.
fn choose(accepted: &str, file: &str) -> (Option<&'static str>, String) {
    for (encoding, suffix) in ENCODINGS {
        if takes(accepted, encoding) {
            return (Some(encoding), format!("files/{file}.{suffix}"));
        }
    }
    (None, format!("files/{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_brotli_and_respects_refusals() {
        assert_eq!(choose("gzip, deflate, br", "a.css"), (Some("br"), "files/a.css.br".into()));
        assert_eq!(choose("gzip;q=1.0, br;q=0", "a.css"), (Some("gzip"), "files/a.css.gz".into()));
        assert_eq!(choose("identity", "a.css"), (None, "files/a.css".into()));
    }

    #[test]
    fn every_form_of_every_file_is_embedded() {
        for hashed in MANIFEST.values() {
            for suffix in ["", ".br", ".gz"] {
                assert!(Dist::get(&format!("files/{hashed}{suffix}")).is_some(), "{hashed}{suffix}");
            }
        }
    }

    #[test]
    fn the_boot_script_cannot_end_early() {
        assert!(BOOT.contains("berth-theme") && !BOOT.contains('<'), "{}", *BOOT);
    }

    #[test]
    fn a_first_visit_stays_small() {
        let bytes = |name: &str| {
            let hashed = &MANIFEST[name];
            Dist::get(&format!("files/{hashed}.gz")).unwrap().data.len()
        };
        let total: usize =
            ["app.css", "app.js", "boot.js", "favicon.svg", "progress.js"].into_iter().map(bytes).sum();
        assert!(total < 55_000, "{total} bytes compressed");
    }
}
