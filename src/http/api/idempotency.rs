//! A call that is sent again under the same `ref` is answered again, and done once.
//!
//! Remembered are the answers of calls that did something, each for [`REF_LIFE`], by app; a refused call changed nothing
//! and may be sent again. Of a call that mints a token nothing secret is kept: it mints another one like the first.
//! Invariants: the table is bounded in number and bytes, the oldest answer is forgotten first; a call goes on to its end
//! though its caller hangs up. Not here: the rooms' own memory of verbs (`room`), which other nodes have too.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use stagedoor_proto::{Ref, Timestamp};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::caller::Backend;
use crate::http::problem::{Kind, Problem};
use crate::http::state::Ports;
use crate::sync::{Mutex, MutexGuard, Rank};

/// A `ref` that was used for another call.
pub(super) const REF_CONFLICT: Kind = Kind::new(StatusCode::UNPROCESSABLE_ENTITY, "ref_conflict");
/// A `ref` whose call is being done.
pub(super) const REF_IN_USE: Kind = Kind::new(StatusCode::CONFLICT, "ref_in_use").passing();
/// What is done failed inside.
pub(super) const INTERNAL: Kind = Kind::new(StatusCode::INTERNAL_SERVER_ERROR, "internal");

/// The header form of `ref`.
pub(super) const HEADER: &str = "idempotency-key";
/// How long an answer is remembered.
const REF_LIFE: Duration = Duration::from_hours(24);
/// Answers remembered at a time.
const MAX_ANSWERS: usize = 100_000;
/// Bytes of answers remembered at a time.
const MAX_BYTES: usize = 32 * 1024 * 1024;

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

type Key = (Arc<str>, Ref);

/// What a call finds under its mark.
enum Begun {
    /// It has none.
    Unmarked,
    /// It was done before; `None`: what it gave is not kept.
    Again(Option<Answer>),
    /// It is new.
    First(Place),
}

/// What a call gave.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    fn of<T: Serialize>(status: StatusCode, answer: &T) -> Self {
        let body = match status {
            StatusCode::NO_CONTENT => Bytes::new(),
            _ => serde_json::to_vec(answer).expect("an answer has a JSON form").into(),
        };
        Self { status, body }
    }

    fn respond(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        if self.status != StatusCode::NO_CONTENT {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        response
    }
}

/// What was done under which `ref`. The lock is held for a map access.
#[derive(Clone)]
pub(super) struct Refs(Arc<Mutex<Table>>);

impl Default for Refs {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Rank::Leaf, Table::default())))
    }
}

#[derive(Default)]
struct Table {
    used: HashMap<Key, Used>,
    /// Those that are done, oldest first.
    done: VecDeque<(Timestamp, Key)>,
    bytes: usize,
}

struct Used {
    print: [u8; 32],
    state: State,
}

enum State {
    Doing,
    Done(Option<Answer>),
}

/// The place of a call that is being done. Dropping it without an answer gives the `ref` back.
struct Place {
    refs: Refs,
    key: Option<Key>,
    now: Timestamp,
}

impl Refs {
    fn begin(&self, key: Key, print: [u8; 32], now: Timestamp) -> Result<Begun, Problem> {
        let mut table = self.lock();
        table.forget(now);
        match table.used.get(&key) {
            Some(used) if used.print != print => {
                let detail = "this `ref` was used before for another call; pick a new one";
                Err(Problem::new(REF_CONFLICT, detail).at("ref"))
            }
            Some(Used { state: State::Done(answer), .. }) => Ok(Begun::Again(answer.clone())),
            Some(Used { state: State::Doing, .. }) => {
                let detail = "the call with this `ref` is being done; ask again for its answer";
                Err(Problem::new(REF_IN_USE, detail).at("ref"))
            }
            None => {
                table.used.insert(key.clone(), Used { print, state: State::Doing });
                Ok(Begun::First(Place { refs: self.clone(), key: Some(key), now }))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock()
    }
}

impl Table {
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, key)) = self.done.front() {
            let is_old = now.saturating_since(*at) > REF_LIFE;
            if !is_old && self.done.len() <= MAX_ANSWERS && self.bytes <= MAX_BYTES {
                return;
            }
            if let Some(Used { state: State::Done(Some(answer)), .. }) = self.used.remove(key) {
                self.bytes -= answer.body.len();
            }
            self.done.pop_front();
        }
    }
}

impl Place {
    fn keep(mut self, answer: Option<Answer>) {
        let Some(key) = self.key.take() else { return };
        let mut table = self.refs.lock();
        table.bytes += answer.as_ref().map_or(0, |answer| answer.body.len());
        table.done.push_back((self.now, key.clone()));
        if let Some(used) = table.used.get_mut(&key) {
            used.state = State::Done(answer);
        }
        table.forget(self.now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.refs.lock().used.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn begin(refs: &Refs, name: &str, print: u8, now: Timestamp) -> Result<Begun, Problem> {
        refs.begin(("demo".into(), name.parse().unwrap()), [print; 32], now)
    }

    fn answer(bytes: usize) -> Answer {
        Answer { status: StatusCode::OK, body: vec![b'x'; bytes].into() }
    }

    #[test]
    fn a_ref_is_given_back_by_what_came_to_nothing() {
        let refs = Refs::default();
        let Ok(Begun::First(place)) = begin(&refs, "a", 1, NOW) else { panic!("it is new") };
        assert!(begin(&refs, "a", 1, NOW).is_err(), "it is being done");
        drop(place);
        assert!(matches!(begin(&refs, "a", 2, NOW), Ok(Begun::First(_))));
    }

    #[test]
    fn answers_are_bounded_in_number_bytes_and_age() {
        let refs = Refs::default();
        for n in 0..3 {
            let Ok(Begun::First(place)) = begin(&refs, &n.to_string(), 1, NOW) else { panic!() };
            place.keep(Some(answer(MAX_BYTES / 2)));
        }
        assert!(matches!(begin(&refs, "0", 1, NOW), Ok(Begun::First(_))), "the oldest went");
        assert!(matches!(begin(&refs, "2", 1, NOW), Ok(Begun::Again(Some(_)))));
        assert!(begin(&refs, "2", 2, NOW).is_err(), "another body");
        let late = NOW + REF_LIFE + Duration::from_secs(1);
        assert!(matches!(begin(&refs, "2", 2, late), Ok(Begun::First(_))));
        assert_eq!(refs.lock().bytes, 0);
        assert!(refs.lock().used.is_empty());
    }
}
