//! Requests to the REST API.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value;

use super::trouble::Trouble;
use crate::api::PREFIX;
use crate::api::refused::RefusalBody;

/// How long an answer may take, beyond what was asked to wait for.
const PATIENCE: Duration = Duration::from_secs(75);

/// How long it may take to connect.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// A cluster somewhere.
#[derive(Clone, Debug)]
pub(super) struct Client {
    base: Url,
    token: Option<String>,
    http: reqwest::Client,
}

/// A request in the making.
pub(super) struct Ask {
    method: Method,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    body: Body,
    wait: Duration,
}

enum Body {
    None,
    Json(Value),
    Text(String),
}

impl Ask {
    /// A request to `/api/v1/` and these segments, which may have any characters in them.
    pub(super) fn new<S: Into<String>>(method: Method, segments: impl IntoIterator<Item = S>) -> Ask {
        let segments = segments.into_iter().map(Into::into).collect();
        Ask { method, segments, query: Vec::new(), body: Body::None, wait: Duration::ZERO }
    }

    /// With a parameter.
    pub(super) fn query(mut self, name: &str, value: impl ToString) -> Ask {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// With a parameter if there is one.
    pub(super) fn maybe(self, name: &str, value: Option<impl ToString>) -> Ask {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// The cluster is to wait so many seconds.
    pub(super) fn waiting(mut self, seconds: Option<u32>) -> Ask {
        self.wait = Duration::from_secs(u64::from(seconds.unwrap_or(0)));
        self.maybe("wait", seconds)
    }

    /// With a body.
    pub(super) fn json(mut self, body: Value) -> Ask {
        self.body = Body::Json(body);
        self
    }

    /// With text as body.
    pub(super) fn text(mut self, body: String) -> Ask {
        self.body = Body::Text(body);
        self
    }
}

impl Client {
    /// A client of the cluster at `address`: `http://host:port`, or `host:port`.
    pub(super) fn new(address: &str, token: Option<String>) -> Result<Client, Trouble> {
        let full = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let bad = |why: String| {
            Trouble::Argument(format!(
                "'{address}' is no address of a cluster: {why}. Write it like http://127.0.0.1:7820."
            ))
        };
        let base = Url::parse(&full).map_err(|e| bad(e.to_string()))?;
        if base.scheme() != "http" || !base.has_host() {
            return Err(bad("it must be an http address with a host".to_owned()));
        }
        let http = reqwest::Client::builder().connect_timeout(CONNECT_PATIENCE).no_proxy().build();
        let http = http.map_err(|e| Trouble::Argument(format!("no HTTP client can be made: {e}")))?;
        Ok(Client { base, token, http })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Value, Trouble> {
        let text = self.ask_text(ask).await?;
        serde_json::from_str(&text).map_err(|e| self.strange(format!("not JSON ({e})")))
    }

    /// Sends a request and hands back the answer as it came.
    pub(super) async fn ask_text(&self, ask: Ask) -> Result<String, Trouble> {
        let patience = ask.wait + PATIENCE;
        let response = self.send(ask, Some(patience)).await?;
        response.text().await.map_err(|e| self.no_answer(&e))
    }

    /// Opens a stream of server-sent events.
    pub(super) async fn listen(&self, last_id: Option<&str>) -> Result<reqwest::Response, Trouble> {
        let request = self.request(&Ask::new(Method::GET, ["stream"]))?;
        let request = match last_id {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        };
        self.answered(request.send().await.map_err(|e| self.no_answer(&e))?).await
    }

    async fn send(&self, ask: Ask, patience: Option<Duration>) -> Result<reqwest::Response, Trouble> {
        let mut request = self.request(&ask)?;
        if let Some(patience) = patience {
            request = request.timeout(patience);
        }
        request = match ask.body {
            Body::None => request,
            Body::Json(body) => request.json(&body),
            Body::Text(body) => request.header("content-type", "text/plain; charset=utf-8").body(body),
        };
        self.answered(request.send().await.map_err(|e| self.no_answer(&e))?).await
    }

    fn request(&self, ask: &Ask) -> Result<reqwest::RequestBuilder, Trouble> {
        let mut url = self.base.clone();
        url.set_path(PREFIX);
        url.path_segments_mut()
            .map_err(|()| Trouble::Argument(format!("'{}' is no address of a cluster", self.base)))?
            .extend(&ask.segments);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        let request = self.http.request(ask.method.clone(), url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// The answer, or the refusal in it.
    async fn answered(&self, response: reqwest::Response) -> Result<reqwest::Response, Trouble> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(|e| self.no_answer(&e))?;
        match serde_json::from_str::<RefusalBody>(&text) {
            Ok(body) => Err(Trouble::Refused(body.error)),
            Err(_) => Err(self.strange(format!("status {status}"))),
        }
    }

    /// Somebody answered, but not a cluster.
    pub(super) fn strange(&self, what: String) -> Trouble {
        Trouble::Strange { url: self.shown(), what }
    }

    fn shown(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Nobody answered. The innermost cause says it best: "Connection refused".
    pub(super) fn no_answer(&self, error: &reqwest::Error) -> Trouble {
        if error.is_timeout() {
            return Trouble::NoAnswer { url: self.shown(), why: "no answer in time".to_owned() };
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let _ = error.source();
        Trouble::NoAnswer { url: self.shown(), why: cause.to_string() }
    }
}
