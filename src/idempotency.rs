//! What was done under an idempotency key, and whether a request under the same key is that request again.
//!
//! Pure, and the one place where this is decided. Two caches are made of it: a room's, which its log replicates and which
//! goes by users and sessions, and that of the server API, which is of one node and holds whole responses. They differ in
//! what a key is and in how long and how much they hold, and neither could stand in for the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

/// What stands for the arguments under a key: 128 bits of FNV-1a, the same on every node and in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(u128);

impl Fingerprint {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// That of some bytes. Where they have parts, the caller separates those.
    pub fn of_bytes<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> Self {
        let mix = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        Self(bytes.into_iter().fold(Self::OFFSET, mix))
    }

    /// That of the JSON form of arguments.
    ///
    /// # Panics
    /// Where they have none, as a map whose keys are no texts.
    pub fn of<T: Serialize>(arguments: &T) -> Self {
        Self::of_bytes(&serde_json::to_vec(arguments).expect("arguments have a JSON form"))
    }
}

/// What was done under a key, and the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded<A> {
    request: Fingerprint,
    at: Timestamp,
    answer: A,
}

/// The key was used for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyConflict;

impl<A> Recorded<A> {
    /// What a request was answered with.
    pub const fn new(request: Fingerprint, at: Timestamp, answer: A) -> Self {
        Self { request, at, answer }
    }

    /// Whether it was more than `lifetime` ago, so that its key may be used anew.
    pub fn has_expired(&self, lifetime: Duration, now: Timestamp) -> bool {
        now.saturating_since(self.at) > lifetime
    }

    /// The answer, whatever the request was.
    pub const fn answer(&self) -> &A {
        &self.answer
    }

    /// The answer, to the same request.
    ///
    /// # Errors
    /// [`KeyConflict`] where `request` is another.
    pub fn answer_to(&self, request: Fingerprint) -> Result<&A, KeyConflict> {
        if self.request == request { Ok(&self.answer) } else { Err(KeyConflict) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
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
