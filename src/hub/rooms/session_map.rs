//! The local sessions of a room, by id.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use stagedoor_proto::SessionId;

use crate::hub::sessions::SessionHandle;

/// Looked up for each receiver of each push, so its hash has to be cheap.
pub(in crate::hub) type SessionMap =
    HashMap<SessionId, Arc<SessionHandle>, BuildHasherDefault<IdHasher>>;

/// Takes bits of the id as its hash: they are random, and the gateway chose them, so no client can make ids collide.
#[derive(Default)]
pub(in crate::hub) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write_u128(&mut self, id: u128) {
        self.write(&id.to_ne_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn hash_of_an_id_depends_on_both_halves() {
        let hash = |bits: u128| {
            BuildHasherDefault::<IdHasher>::default().hash_one(SessionId::from_bits(bits))
        };
        assert_eq!(hash(7), hash(7));
        assert_ne!(hash(7), hash(8));
        assert_ne!(hash(7), hash(7 | 1 << 100));
    }
}
