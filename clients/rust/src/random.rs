//! Random values from the operating system.

use stagedoor_proto::{InstanceId, Ref, SessionId};

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// A new client instance id.
pub(crate) fn random_instance() -> InstanceId {
    random_text().parse().expect("22 characters of base64url are an instance id")
}

/// A new idempotency key.
pub(crate) fn random_ref() -> Ref {
    random_text().parse().expect("22 characters of base64url are a ref")
}

/// 128 random bits, written as the gateway writes its ids.
fn random_text() -> String {
    SessionId::from_bits(u128::from_le_bytes(random())).to_string()
}
