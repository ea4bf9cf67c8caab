//! A call that is sent again under the same `ref` is answered again, and done once.
//!
//! Of a call that mints a token nothing secret is kept: it mints another one like the first. Invariant: a call goes on to
//! its end though its caller hangs up. Not here: what is remembered of which call (`idempotency_cache`).

use std::sync::Arc;

use axum::response::Response;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Serialize;
use stagedoor_proto::Ref;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::caller::Backend;
use crate::http::idempotency_cache::{Answer, Begun};
use crate::http::problem::{Kind, Problem};
use crate::http::state::Ports;

/// What is done failed inside.
pub(super) const INTERNAL: Kind = Kind::new(StatusCode::INTERNAL_SERVER_ERROR, "internal");

/// The header form of `ref`.
pub(super) const HEADER: &str = "idempotency-key";

/// Under which `ref` a call is done, and what stands for the rest of it.
pub(super) struct Mark(Option<(Ref, [u8; 32])>);

impl Mark {
    /// A mark; `fingerprint` is only asked for where there is a `ref`.
    pub(super) fn new(ref_: Option<Ref>, fingerprint: impl FnOnce() -> [u8; 32]) -> Self {
        Self(ref_.map(|ref_| (ref_, fingerprint())))
    }

    /// Does `work` to its end, once, and answers with `status` and what it gives.
    pub(super) async fn perform<T: Serialize + Send + 'static>(
        self,
        ports: &Arc<Ports>,
        backend: &Backend,
        status: StatusCode,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<Response, Problem> {
        let place = match self.begin(ports, backend)? {
            Begun::Again(Some(answer)) => return Ok(answer.respond()),
            Begun::Again(None) | Begun::Unmarked => None,
            Begun::First(place) => Some(place),
        };
        let (tell, told) = oneshot::channel();
        let task = async move {
            let answer = work.await.map(|answer| Answer::of(status, &answer));
            if let (Some(place), Ok(answer)) = (place, &answer) {
                place.keep(Some(answer.clone()));
            }
            // The caller may have hung up; what was done is done.
            let _ = tell.send(answer);
        };
        ports.lifecycle().spawn(task.in_current_span());
        let answer = told.await.map_err(|_| {
            let detail = "the gateway failed inside; whether it was done is not known";
            Problem::new(INTERNAL, detail)
        })?;
        answer.map(Answer::respond)
    }

    /// Mints something secret: done at each call, and remembered without what it gives.
    pub(super) fn mint<T: Serialize>(
        self,
        ports: &Arc<Ports>,
        backend: &Backend,
        mint: impl FnOnce() -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        let begun = self.begin(ports, backend)?;
        let answer = Answer::of(StatusCode::CREATED, &mint()?);
        if let Begun::First(place) = begun {
            place.keep(None);
        }
        Ok(answer.respond())
    }

    fn begin(self, ports: &Ports, backend: &Backend) -> Result<Begun, Problem> {
        let Some((ref_, print)) = self.0 else { return Ok(Begun::Unmarked) };
        let key = (Arc::clone(backend.app.id()), ref_);
        ports.api().refs.begin(key, print, ports.hub().clock().now())
    }
}

/// The `ref` in the header, quoted (as a structured field is) or not.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<Ref>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let wrong = |detail: String| Problem::invalid("Idempotency-Key", detail);
    let text = value.to_str().map_err(|_| wrong("it is printable ASCII".to_owned()))?;
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().map(Some).map_err(|error: stagedoor_proto::InvalidText| wrong(error.to_string()))
}
