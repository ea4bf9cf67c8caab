//! Idempotency keys: the recorded answer to a request, and whether another request with the same key repeats it.
//!
//! Pure. Two caches use it: a room's, which its log replicates and which is keyed by user or session, and the server
//! API's, which is local to a node and stores whole responses. They differ in keys, lifetimes and limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Monotonic;

/// A hash of a request's arguments: 128-bit FNV-1a, stable across nodes and versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(u128);

impl Fingerprint {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// Hashes bytes. The caller separates parts unambiguously.
    pub fn of_bytes<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> Self {
        let mix = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        Self(bytes.into_iter().fold(Self::OFFSET, mix))
    }

    /// Hashes the JSON form of arguments.
    ///
    /// # Panics
    /// When they have none, such as a map whose keys are not strings.
    pub fn of<T: Serialize>(arguments: &T) -> Self {
        Self::of_bytes(&serde_json::to_vec(arguments).expect("arguments can be serialized"))
    }
}

/// The request that used a key, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded<A> {
    request: Fingerprint,
    at: Monotonic,
    answer: A,
}

/// The key was used for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyConflict;

impl<A> Recorded<A> {
    pub const fn new(request: Fingerprint, at: Monotonic, answer: A) -> Self {
        Self { request, at, answer }
    }

    /// Whether the record is older than `lifetime`, so that its key can be used again.
    pub fn has_expired(&self, lifetime: Duration, now: Monotonic) -> bool {
        now.saturating_since(self.at) > lifetime
    }

    /// When the request was answered.
    pub const fn at(&self) -> Monotonic {
        self.at
    }

    /// The answer, without comparing requests.
    pub const fn answer(&self) -> &A {
        &self.answer
    }

    /// The answer, if `request` repeats the recorded one.
    ///
    /// # Errors
    /// [`KeyConflict`] when `request` differs.
    pub fn answer_to(&self, request: Fingerprint) -> Result<&A, KeyConflict> {
        if self.request == request { Ok(&self.answer) } else { Err(KeyConflict) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Monotonic = Monotonic::from_millis(1_000_000_000);
    const LIFETIME: Duration = Duration::from_mins(10);

    #[test]
    fn answer_is_for_the_same_request_within_its_lifetime() {
        let request = Fingerprint::of(&("lobby", true));
        let recorded = Recorded::new(request, NOW, 7);
        assert_eq!(recorded.answer_to(Fingerprint::of(&("lobby", true))), Ok(&7));
        assert_eq!(recorded.answer_to(Fingerprint::of(&("lobby", false))), Err(KeyConflict));
        assert!(!recorded.has_expired(LIFETIME, NOW + LIFETIME));
        assert!(recorded.has_expired(LIFETIME, NOW + LIFETIME + Duration::from_millis(1)));
    }

    #[test]
    fn fingerprint_is_fnv_1a() {
        // The hashes of nothing and of `a` that the algorithm's authors give.
        assert_eq!(Fingerprint::of_bytes(b""), Fingerprint(Fingerprint::OFFSET));
        let of_a = Fingerprint(0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(Fingerprint::of_bytes(b"a"), of_a);
    }
}
