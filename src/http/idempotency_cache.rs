//! Answers of the server API that are given again to a call that is sent again under the same `ref`.
//!
//! Remembered are the answers of calls that did something, each for [`REF_LIFE`], by app; a refused call changed nothing
//! and may be sent again. Invariant: the table is bounded in number and bytes, the oldest answer is forgotten first.
//! Not here: the rooms' own memory of verbs (`room`), which other nodes have too.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use stagedoor_proto::{Ref, Timestamp};

use super::problem::{Kind, Problem};
use crate::sync::{Mutex, MutexGuard, Rank};

/// A `ref` that was used for another call.
pub(super) const REF_CONFLICT: Kind = Kind::new(StatusCode::UNPROCESSABLE_ENTITY, "ref_conflict");
/// A `ref` whose call is being done.
pub(super) const REF_IN_USE: Kind = Kind::new(StatusCode::CONFLICT, "ref_in_use").passing();

/// How long an answer is remembered.
const REF_LIFE: Duration = Duration::from_hours(24);
/// Answers remembered at a time.
const MAX_ANSWERS: usize = 100_000;
/// Bytes of answers remembered at a time.
const MAX_BYTES: usize = 32 * 1024 * 1024;

pub(super) type Key = (Arc<str>, Ref);

/// What a call finds under its mark.
pub(super) enum Begun {
    /// It has none.
    Unmarked,
    /// It was done before; `None`: what it gave is not kept.
    Again(Option<Answer>),
    /// It is new.
    First(Place),
}

/// What a call gave.
#[derive(Clone)]
pub(super) struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    pub(super) fn of<T: Serialize>(status: StatusCode, answer: &T) -> Self {
        let body = match status {
            StatusCode::NO_CONTENT => Bytes::new(),
            _ => serde_json::to_vec(answer).expect("an answer has a JSON form").into(),
        };
        Self { status, body }
    }

    pub(super) fn respond(self) -> Response {
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
pub(super) struct Place {
    refs: Refs,
    key: Option<Key>,
    now: Timestamp,
}

impl Refs {
    pub(super) fn begin(
        &self,
        key: Key,
        print: [u8; 32],
        now: Timestamp,
    ) -> Result<Begun, Problem> {
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
    pub(super) fn keep(mut self, answer: Option<Answer>) {
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
