//! Idempotency: a call repeated under the same `ref` is answered again, but executed once.
//!
//! Tokens are not cached: a repeated call mints a new one. Invariant: a call completes even if its caller disconnects.
//! Not here: the cache (`idempotency_cache`).

use std::sync::Arc;

use axum::response::Response;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Serialize;
use stagedoor_proto::Ref;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::caller::ApiCaller;
use crate::http::idempotency_cache::{CachedResponse, LookupResult};
use crate::http::problem::{Problem, ProblemKind};
use crate::idempotency::Fingerprint;

/// The call panicked.
pub(super) const INTERNAL: ProblemKind =
    ProblemKind::new(StatusCode::INTERNAL_SERVER_ERROR, "internal");

/// The header equivalent to `ref`.
pub(super) const HEADER: &str = "idempotency-key";

/// The `ref` of a call, with the fingerprint of the request.
pub(super) struct IdempotencyKey(Option<(Ref, Fingerprint)>);

impl IdempotencyKey {
    /// `fingerprint` is only computed if there is a `ref`.
    pub(super) fn new(ref_: Option<Ref>, fingerprint: impl FnOnce() -> Fingerprint) -> Self {
        Self(ref_.map(|ref_| (ref_, fingerprint())))
    }

    /// Runs `work` to completion, at most once per key, and answers with `status` and its result.
    pub(super) async fn perform<T, W>(
        self,
        caller: ApiCaller,
        status: StatusCode,
        work: impl FnOnce(ApiCaller) -> W,
    ) -> Result<Response, Problem>
    where
        T: Serialize + Send + 'static,
        W: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let reservation = match self.begin(&caller)? {
            LookupResult::Cached(Some(answer)) => return Ok(answer.respond()),
            LookupResult::Cached(None) | LookupResult::NoKey => None,
            LookupResult::New(reservation) => Some(reservation),
        };
        let (answer, answered) = oneshot::channel();
        let state = Arc::clone(caller.state());
        let work = work(caller);
        let task = async move {
            let done = work.await.map(|value| CachedResponse::of(status, &value));
            if let (Some(reservation), Ok(response)) = (reservation, &done) {
                reservation.complete(Some(response.clone()));
            }
            // The caller may have disconnected; the result stands.
            let _ = answer.send(done);
        };
        state.lifecycle().spawn(task.in_current_span());
        let done = answered.await.map_err(|_| {
            let detail = "internal error; the outcome is unknown";
            Problem::new(INTERNAL, detail)
        })?;
        done.map(CachedResponse::respond)
    }

    /// Runs `mint` on each call and caches that it was done, but not its secret result.
    pub(super) fn mint<T: Serialize>(
        self,
        caller: &ApiCaller,
        mint: impl FnOnce() -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        let begun = self.begin(caller)?;
        let answer = CachedResponse::of(StatusCode::CREATED, &mint()?);
        if let LookupResult::New(reservation) = begun {
            reservation.complete(None);
        }
        Ok(answer.respond())
    }

    fn begin(self, caller: &ApiCaller) -> Result<LookupResult, Problem> {
        let Some((ref_, request)) = self.0 else { return Ok(LookupResult::NoKey) };
        let now = caller.hub().clock().monotonic();
        caller.state().api().idempotency.begin((caller.app_id(), ref_), request, now)
    }
}

/// The `ref` in the header, quoted as a structured field or not.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<Ref>, Problem> {
    let wrong = |detail: String| Problem::invalid("Idempotency-Key", detail);
    let mut values = headers.get_all(HEADER).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(wrong("expected one key, found several".to_owned())),
    };
    let text = value.to_str().map_err(|_| wrong("expected printable ASCII".to_owned()))?;
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().map(Some).map_err(|error: stagedoor_proto::InvalidText| wrong(error.to_string()))
}
