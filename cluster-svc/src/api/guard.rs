//! Who may talk to the API.
//!
//! A node listens on loopback, where every program of this machine may talk to it, but not every *page*: a page of the
//! internet that is open in the user's browser can send requests to 127.0.0.1 as well. Two headers tell them apart, which
//! the browser sets and a page cannot change. *Host* must name a loopback address, or else the page has made its own name
//! point here. *Origin*, when there is one, must be this very server. Whoever bears the token may do anything from anywhere;
//! without a token nothing but loopback is served.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use cluster_engine::{Refusal, code};

use super::refused::Refused;

/// What the dashboard may load: its own files and nothing else. Styles stand in attributes where elements move.
pub(super) const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Lets requests in, or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    token: Option<String>,
}

impl Guard {
    /// For a server on loopback.
    #[must_use]
    pub fn loopback() -> Guard {
        Guard { token: None }
    }

    /// For a server that others can reach: they need the token. Loopback is served without.
    #[must_use]
    pub fn with_token(token: String) -> Guard {
        Guard { token: Some(token) }
    }

    /// The token, to be sent to other nodes.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Puts the guard in front of a router.
    pub fn around(self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self, check))
    }

    /// May a request with these headers come in?
    ///
    /// # Errors
    /// 5 (403) with what to do.
    pub fn admits(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.is_token_given(headers) {
            return Ok(());
        }
        let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
        let host = uri.authority().map(|a| a.as_str()).or_else(|| text(HOST)).unwrap_or_default();
        if !is_loopback(host) {
            let what = format!(
                "Requests to '{host}' are not served: only loopback names such as 127.0.0.1 and localhost are. \
                 Use http://127.0.0.1 with the port, or send the token."
            );
            return Err(Refusal::new(code::ACCESS_DENIED, what).fact("Host", host));
        }
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().unwrap_or("unreadable");
            if !is_same_server(origin, host) {
                let what =
                    format!("A page from '{origin}' may not use this cluster. Open the dashboard at http://{host}/.");
                return Err(Refusal::new(code::ACCESS_DENIED, what).fact("Origin", origin).fact("Host", host));
            }
        }
        Ok(())
    }

    fn is_token_given(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return false };
        let given = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
        given.is_some_and(|given| is_equal(given.as_bytes(), token.as_bytes()))
    }
}

async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admits(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Refused::with_status(StatusCode::FORBIDDEN, refusal).into_response(),
    }
}

/// Compares in a time that does not tell where the difference is.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// Does `name[:port]` name a loopback address?
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Is the origin this very server, port included?
fn is_same_server(origin: &str, host: &str) -> bool {
    let server = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    server.is_some_and(|server| server.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, headers: &[(&'static str, &str)], admitted: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("the test writes good headers"));
        }
        assert_eq!(guard.admits(&Uri::from_static("/api/v1/cluster"), &map).is_ok(), admitted, "{headers:?}");
    }

    #[test]
    fn local_tools_and_the_own_page_come_in_and_other_pages_do_not() {
        let local = Guard::loopback();
        for host in ["127.0.0.1:7820", "localhost:7820", "LOCALHOST", "[::1]:7820", "127.9.9.9"] {
            check(&local, &[("host", host)], true);
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "192.168.0.1", "[::2]:7820", "[::1", "0.0.0.0:7820"]
        {
            check(&local, &[("host", host)], false);
        }
        check(&local, &[("host", "127.0.0.1:7820"), ("origin", "http://127.0.0.1:7820")], true);
        check(&local, &[("host", "localhost:7820"), ("origin", "http://localhost:7820")], true);
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1", "file://"] {
            check(&local, &[("host", "127.0.0.1:7820"), ("origin", origin)], false);
        }
        check(&local, &[("host", "evil.example"), ("authorization", "Bearer ")], false);
    }

    #[test]
    fn the_token_opens_from_anywhere_and_a_wrong_one_does_not() {
        let guard = Guard::with_token("secret".to_owned());
        check(&guard, &[("host", "n1.example:7820"), ("authorization", "Bearer secret")], true);
        check(&guard, &[("host", "127.0.0.1:7820")], true);
        for wrong in ["Bearer secre", "Bearer secret2", "secret", "Bearer ", "Basic secret"] {
            check(&guard, &[("host", "n1.example:7820"), ("authorization", wrong)], false);
        }
    }
}
