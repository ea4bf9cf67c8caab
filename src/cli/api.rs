//! A client of a running gateway's server API. It makes one call at a time and bounds its duration.
//!
//! It follows no redirect and uses no proxy: the key is sent only to the configured gateway.
//! Not here: formatting answers (each command) and locating the gateway (`connection`).

use std::io;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, Response, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use stagedoor_proto::Ref;
use tokio::runtime::{Builder, Runtime};

use super::failure::{ApiScope, Failure, Rejection};
use crate::auth;

/// Maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time for an answer; a moderation command waits for acknowledgements for at most 10 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time for an answer of many lines; [`ANSWER_TIMEOUT`] applies between reads.
const LINES_TIMEOUT: Duration = Duration::from_hours(1);
/// Maximum rows of a page.
const MAX_PAGE_ROWS: usize = 1_000;

/// The server API of an app or of the node.
pub(super) struct Api {
    client: Client,
    runtime: Runtime,
    /// The prefix of all paths.
    base: Url,
    key: SecretString,
    /// The scope that `key` authorizes.
    scope: ApiScope,
}

/// A server API call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    ref_: Option<&'a Ref>,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub(super) fn post(path: &[&'a str], body: &impl Serialize) -> Self {
        let body = serde_json::to_value(body).expect("a body has a JSON form");
        Self::new(Method::POST, path, Some(body))
    }

    pub(super) fn delete(path: &[&'a str]) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    fn new(method: Method, path: &[&'a str], body: Option<Value>) -> Self {
        Self { method, path: path.to_vec(), query: Vec::new(), body, ref_: None }
    }

    /// Adds a query parameter.
    pub(super) fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Sets the idempotency key.
    pub(super) fn with_ref(self, ref_: Option<&'a Ref>) -> Self {
        Self { ref_, ..self }
    }
}

impl Api {
    /// The server API below `base`, which also trusts these certificates.
    pub(super) fn new(
        base: Url,
        key: SecretString,
        scope: ApiScope,
        authorities: Vec<Certificate>,
    ) -> Result<Self, Failure> {
        auth::install_crypto();
        let runtime = Builder::new_current_thread().enable_all().build();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .tls_certs_merge(authorities)
            .read_timeout(ANSWER_TIMEOUT)
            .user_agent(concat!("stagedoor/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| Failure::connection(&base, &error))?;
        Ok(Self { client, runtime: runtime.map_err(Failure::Runtime)?, base, key, scope })
    }

    /// Sends a call and returns its answer, `null` if that is empty.
    pub(super) fn call(&self, call: Call<'_>) -> Result<Value, Failure> {
        self.runtime.block_on(async {
            let response = self.send(call, ANSWER_TIMEOUT).await?;
            let status = response.status();
            let body = response.bytes().await.map_err(|error| self.failed(&error))?;
            if status == StatusCode::NO_CONTENT {
                return Ok(Value::Null);
            }
            serde_json::from_slice(&body).map_err(|_| self.not_a_gateway(status))
        })
    }

    /// Fetches the pages of a list, and returns at most `limit` items (at least 1) and whether there are more.
    pub(super) fn list<'a>(
        &self,
        limit: usize,
        call: impl Fn() -> Call<'a>,
    ) -> Result<(Vec<Value>, bool), Failure> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = call().with("limit", &(limit - items.len()).min(MAX_PAGE_ROWS));
            let page = match &next {
                Some(cursor) => page.with("cursor", cursor),
                None => page,
            };
            let mut answer = self.call(page)?;
            let Some(more) = answer["items"].as_array_mut() else {
                return Err(self.not_a_gateway(StatusCode::OK));
            };
            items.append(more);
            next = answer["next"].as_str().map(str::to_owned);
            if next.is_none() || items.len() >= limit {
                return Ok((items, next.is_some()));
            }
        }
    }

    /// Sends a call whose answer is lines, and passes each to `take`.
    pub(super) fn lines(
        &self,
        call: Call<'_>,
        mut take: impl FnMut(&str) -> io::Result<()>,
    ) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let mut response = self.send(call, LINES_TIMEOUT).await?;
            let status = response.status();
            let mut rest = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
                rest.extend_from_slice(&chunk);
                let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
                let after = rest.split_off(end + 1);
                let text = std::str::from_utf8(&rest).map_err(|_| self.not_a_gateway(status))?;
                for line in text.lines() {
                    take(line)?;
                }
                rest = after;
            }
            // Each line ends with a newline; a rest means that the answer was truncated.
            if rest.is_empty() { Ok(()) } else { Err(self.not_a_gateway(status)) }
        })
    }

    /// Runs a future to its end.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Polls until the gateway stops answering, at most for `limit`, and returns whether it stopped.
    pub(super) fn stops_within(&self, limit: Duration, pause: Duration) -> bool {
        let stopped = async {
            while self.is_reachable().await {
                tokio::time::sleep(pause).await;
            }
        };
        self.runtime.block_on(async { tokio::time::timeout(limit, stopped).await.is_ok() })
    }

    async fn is_reachable(&self) -> bool {
        let mut url = self.base.clone();
        url.set_path("/livez");
        match self.client.get(url).timeout(CONNECT_TIMEOUT).send().await {
            Ok(_) => true,
            Err(error) => error.is_timeout(),
        }
    }

    /// Sends a call and returns its successful response.
    async fn send(&self, call: Call<'_>, timeout: Duration) -> Result<Response, Failure> {
        let Call { method, path, query, body, ref_ } = call;
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("it was checked to be an http URL")
            .extend(checked_path(&path)?);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(method, url).bearer_auth(self.key.expose_secret());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let request = match ref_ {
            Some(ref_) => request.header("idempotency-key", ref_.as_str()),
            None => request,
        };
        let sent = request.timeout(timeout).send().await;
        let response = sent.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        let rejection = serde_json::from_slice::<Rejection>(&body);
        Err(match rejection {
            Ok(rejection) => Failure::Rejected(rejection.with_key_hint(self.scope)),
            Err(_) => self.not_a_gateway(status),
        })
    }

    fn failed(&self, error: &reqwest::Error) -> Failure {
        Failure::connection(&self.base, error)
    }

    fn not_a_gateway(&self, status: StatusCode) -> Failure {
        Failure::NotAGateway { url: Failure::origin(&self.base), status: status.as_u16() }
    }
}

/// Rejects the segments `.` and `..`, which change a URL's path even when escaped.
fn checked_path<'a>(path: &'a [&'a str]) -> Result<&'a [&'a str], Failure> {
    match path.iter().find(|part| matches!(**part, "." | "..")) {
        Some(part) => Err(Failure::InvalidPath((*part).to_owned())),
        None => Ok(path),
    }
}
