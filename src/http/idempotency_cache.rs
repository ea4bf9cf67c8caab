//! Cached answers of the server API, returned for calls repeated under the same `ref`.
//!
//! Only answers of successful calls are cached, each for [`ANSWER_RETENTION`], per app: a rejected call changed nothing
//! and can be retried. Invariant: the cache is bounded in entries and bytes; beyond a bound the app with the most loses
//! its oldest entry, so that no app evicts those of an app with fewer. Not here: the rooms' own cache of commands
//! (`room`), which is replicated, and the comparison of requests (`idempotency`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use stagedoor_proto::Ref;

use super::problem::{Problem, ProblemKind};
use crate::idempotency::{Fingerprint, KeyConflict, Recorded};
use crate::sync::{Mutex, MutexGuard, Rank};
use crate::time::Monotonic;

/// The `ref` was used for another call.
pub(super) const REF_CONFLICT: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "ref_conflict");
/// The call with this `ref` is in progress.
pub(super) const REF_IN_USE: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "ref_in_use").passing();

/// Lifetime of a cached answer.
const ANSWER_RETENTION: Duration = Duration::from_hours(24);
/// Maximum number of cached answers.
const MAX_CACHED_ANSWERS: usize = 100_000;
/// Maximum total size of cached answers.
const MAX_CACHED_BYTES: usize = 32 * 1024 * 1024;

pub(super) type Key = (Arc<str>, Ref);

/// The result of looking up a key.
pub(super) enum LookupResult {
    /// The call has no key.
    NoKey,
    /// The call was executed before; `None`: its answer is not cached.
    Cached(Option<CachedResponse>),
    /// The key is new and now reserved.
    New(Reservation),
}

/// A cached answer.
#[derive(Clone)]
pub(super) struct CachedResponse {
    status: StatusCode,
    body: Bytes,
}

impl CachedResponse {
    pub(super) fn of<T: Serialize>(status: StatusCode, answer: &T) -> Self {
        let body = match status {
            StatusCode::NO_CONTENT => Bytes::new(),
            _ => serde_json::to_vec(answer).expect("an answer has a JSON form").into(),
        };
        Self { status, body }
    }

    fn len(&self) -> usize {
        self.body.len()
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

/// The answers by key. The lock is only held for map accesses.
#[derive(Clone)]
pub(super) struct IdempotencyCache(Arc<Mutex<CacheTable>>);

impl Default for IdempotencyCache {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Rank::Leaf, CacheTable::default())))
    }
}

#[derive(Default)]
struct CacheTable {
    entries: HashMap<Key, CacheEntry>,
    /// By app. None is empty.
    done: HashMap<Arc<str>, CompletedCalls>,
    /// Number of completed calls.
    count: usize,
    /// Total size of the cached answers.
    bytes: usize,
}

/// The completed calls of an app.
#[derive(Default)]
struct CompletedCalls {
    /// Oldest first.
    refs: VecDeque<Ref>,
    /// Size of the cached answers.
    bytes: usize,
}

enum CacheEntry {
    InProgress(Fingerprint),
    /// The answer; `None` if it is not cached.
    Done(Recorded<Option<CachedResponse>>),
}

/// The reserved key of a call in progress. Dropping it without completing it releases the key.
pub(super) struct Reservation {
    cache: IdempotencyCache,
    key: Option<Key>,
    request: Fingerprint,
    now: Monotonic,
}

impl IdempotencyCache {
    /// Looks up `key`, and reserves it if it is new.
    ///
    /// # Errors
    /// [`REF_CONFLICT`], [`REF_IN_USE`].
    pub(super) fn begin(
        &self,
        key: Key,
        request: Fingerprint,
        now: Monotonic,
    ) -> Result<LookupResult, Problem> {
        let mut table = self.lock();
        table.prune(&key.0, now);
        let known = match table.entries.get(&key) {
            None => {
                table.entries.insert(key.clone(), CacheEntry::InProgress(request));
                let cache = self.clone();
                let reservation = Reservation { cache, key: Some(key), request, now };
                return Ok(LookupResult::New(reservation));
            }
            Some(CacheEntry::Done(recorded)) => recorded.answer_to(request).map(Some),
            Some(CacheEntry::InProgress(first)) if *first == request => Ok(None),
            Some(CacheEntry::InProgress(_)) => Err(KeyConflict),
        };
        match known {
            Ok(Some(response)) => Ok(LookupResult::Cached(response.clone())),
            Ok(None) => {
                let detail = "the call with this `ref` is in progress; retry";
                Err(Problem::new(REF_IN_USE, detail).at("ref"))
            }
            Err(KeyConflict) => {
                let detail = "this `ref` was already used for another call; use a new one";
                Err(Problem::new(REF_CONFLICT, detail).at("ref"))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, CacheTable> {
        self.0.lock()
    }
}

impl CacheTable {
    /// Removes the expired entries of an app, and entries of the largest apps beyond the bounds.
    fn prune(&mut self, app: &Arc<str>, now: Monotonic) {
        while self.oldest_has_expired(app, now) {
            self.remove_oldest(app);
        }
        while self.bytes > MAX_CACHED_BYTES {
            let largest = self.done.iter().max_by_key(|(_, calls)| calls.bytes);
            let Some((app, _)) = largest else { return };
            self.remove_oldest(&Arc::clone(app));
        }
        while self.count > MAX_CACHED_ANSWERS {
            let largest = self.done.iter().max_by_key(|(_, calls)| calls.refs.len());
            let Some((app, _)) = largest else { return };
            self.remove_oldest(&Arc::clone(app));
        }
    }

    fn oldest_has_expired(&self, app: &Arc<str>, now: Monotonic) -> bool {
        let Some(oldest) = self.done.get(app).and_then(|calls| calls.refs.front()) else {
            return false;
        };
        match self.entries.get(&(Arc::clone(app), oldest.clone())) {
            Some(CacheEntry::Done(recorded)) => recorded.has_expired(ANSWER_RETENTION, now),
            Some(CacheEntry::InProgress(_)) | None => true,
        }
    }

    fn remove_oldest(&mut self, app: &Arc<str>) {
        let Some(calls) = self.done.get_mut(app) else { return };
        if let Some(oldest) = calls.refs.pop_front() {
            self.count -= 1;
            let removed = self.entries.remove(&(Arc::clone(app), oldest));
            if let Some(CacheEntry::Done(recorded)) = removed {
                let bytes = recorded.answer().as_ref().map_or(0, CachedResponse::len);
                calls.bytes -= bytes;
                self.bytes -= bytes;
            }
        }
        if calls.refs.is_empty() {
            self.done.remove(app);
        }
    }
}

impl Reservation {
    /// Caches the answer; `None` records only that the call was executed.
    pub(super) fn complete(mut self, response: Option<CachedResponse>) {
        let Some(key) = self.key.take() else { return };
        let mut table = self.cache.lock();
        let bytes = response.as_ref().map_or(0, CachedResponse::len);
        table.bytes += bytes;
        table.count += 1;
        let calls = table.done.entry(Arc::clone(&key.0)).or_default();
        calls.bytes += bytes;
        calls.refs.push_back(key.1.clone());
        let (app, recorded) = (Arc::clone(&key.0), Recorded::new(self.request, self.now, response));
        table.entries.insert(key, CacheEntry::Done(recorded));
        table.prune(&app, self.now);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.cache.lock().entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Monotonic = Monotonic::from_millis(1_000_000_000);

    fn begin(
        cache: &IdempotencyCache,
        name: &str,
        print: u8,
        now: Monotonic,
    ) -> Result<LookupResult, Problem> {
        cache.begin(("demo".into(), name.parse().unwrap()), Fingerprint::of(&print), now)
    }

    fn answer(bytes: usize) -> CachedResponse {
        CachedResponse { status: StatusCode::OK, body: vec![b'x'; bytes].into() }
    }

    #[test]
    fn failed_call_releases_its_ref() {
        let cache = IdempotencyCache::default();
        let Ok(LookupResult::New(reservation)) = begin(&cache, "a", 1, NOW) else {
            panic!("it is new")
        };
        assert!(begin(&cache, "a", 1, NOW).is_err(), "it is being done");
        drop(reservation);
        assert!(matches!(begin(&cache, "a", 2, NOW), Ok(LookupResult::New(_))));
    }

    #[test]
    fn no_app_evicts_answers_of_one_with_fewer() {
        let cache = IdempotencyCache::default();
        let call = |app: &str, n: usize, bytes: usize| {
            let key = (app.into(), n.to_string().parse().unwrap());
            if let Ok(LookupResult::New(reservation)) = cache.begin(key, Fingerprint::of(&n), NOW) {
                reservation.complete(Some(answer(bytes)));
                return true;
            }
            false
        };
        assert!(call("small", 0, 1));
        for n in 0..100 {
            assert!(call("large", n, MAX_CACHED_BYTES / 50));
        }
        for n in 0..=MAX_CACHED_ANSWERS {
            assert!(call("busy", n, 0));
        }
        assert!(!call("small", 0, 1), "its answer is still cached");
        assert!(call("large", 0, 1) && call("busy", 0, 0), "theirs were evicted");
        assert!(cache.lock().count <= MAX_CACHED_ANSWERS && cache.lock().bytes <= MAX_CACHED_BYTES);
    }

    #[test]
    fn answers_are_bounded_in_number_bytes_and_age() {
        let cache = IdempotencyCache::default();
        for n in 0..3 {
            let Ok(LookupResult::New(reservation)) = begin(&cache, &n.to_string(), 1, NOW) else {
                panic!()
            };
            reservation.complete(Some(answer(MAX_CACHED_BYTES / 2)));
        }
        assert!(
            matches!(begin(&cache, "0", 1, NOW), Ok(LookupResult::New(_))),
            "the oldest was evicted"
        );
        assert!(matches!(begin(&cache, "2", 1, NOW), Ok(LookupResult::Cached(Some(_)))));
        assert!(begin(&cache, "2", 2, NOW).is_err(), "another body");
        let late = NOW + ANSWER_RETENTION + Duration::from_secs(1);
        assert!(matches!(begin(&cache, "2", 2, late), Ok(LookupResult::New(_))));
        assert_eq!(cache.lock().bytes, 0);
        assert!(cache.lock().entries.is_empty());
    }
}
