//! The dashboard page, embedded in the binary.

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use cluster_engine::{Refusal, code};
use rust_embed::RustEmbed;

use super::refused::Refused;
use super::{PREFIX, guard};

/// What the page's build has made. Empty when it was not built.
#[derive(RustEmbed)]
#[folder = "../web-ui/dist"]
#[allow_missing = true]
struct Dist;

/// The page of the page: every address of the dashboard shows it.
const INDEX: &str = "index.html";

/// What stands in for the dashboard when it was not built.
const PLAIN: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Wolfden</title>\
<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}</style>\
<h1>Wolfden is running</h1><p>The dashboard is not part of this build, because it was built without Node.js. \
To get it, install Node.js 20 or newer and build again: <code>cargo build</code>.</p>\
<p>Everything works without it: <code>cluster status</code>, or the \
<a href=\"/api/v1/openapi.json\">REST API</a>.</p></html>";

/// Serves the dashboard at every address that is not part of the API. Used by nodes and by the lab's front.
pub fn page_router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().fallback(get(serve).fallback(no_such_route))
}

async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if uri.path().starts_with(PREFIX) {
        return no_such_route(uri).await;
    }
    if let Some(file) = Dist::get(path).filter(|_| path != INDEX) {
        // Vite puts a hash of the content into the names below assets: they never change.
        let is_hashed = path.starts_with("assets/");
        let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        return asset(file, cache);
    }
    if path.starts_with("assets/") {
        return (StatusCode::NOT_FOUND, "The dashboard was built anew. Load the page again.\n").into_response();
    }
    match Dist::get(INDEX) {
        Some(file) => asset(file, "no-cache"),
        None => ([(header::CACHE_CONTROL, "no-cache")], Html(PLAIN)).into_response(),
    }
}

fn asset(file: rust_embed::EmbeddedFile, cache: &'static str) -> Response {
    let kind = file.metadata.mimetype().to_owned();
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_SECURITY_POLICY, guard::PAGE_POLICY.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, file.data).into_response()
}

async fn no_such_route(uri: Uri) -> Response {
    let is_lab = uri.path().strip_prefix(PREFIX).is_some_and(|p| p == "/lab" || p.starts_with("/lab/"));
    let text = if is_lab {
        "This node is not the front of a lab. Faults can be made at the address that `cluster demo` or `cluster up` printed."
            .to_owned()
    } else {
        format!("There is nothing at {}. See {PREFIX}/openapi.json.", uri.path())
    };
    Refused::with_status(StatusCode::NOT_FOUND, Refusal::new(code::FILE_NOT_FOUND, text).fact("Path", uri.path()))
        .into_response()
}
