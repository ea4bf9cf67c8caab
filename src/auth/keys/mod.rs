//! Keys that tokens are checked and signed with: an app's own, and remote key sets.
//!
//! Invariants: a key has one algorithm, fixed when it is taken up and never by a token; keys are parsed once; the
//! `Debug` form of a key shows none of it.
//! Not here: who the gateway's own key belongs to (`store`), and what a token must say (`token`).

mod app;
mod jwk;
mod remote;
mod symmetric;
#[cfg(test)]
mod tests;

use jsonwebtoken::{Algorithm, DecodingKey};

pub use app::{AppKey, InvalidKey, PublicKeyKind};
pub use remote::JwksSource;

pub(super) use remote::KeysUnavailable;
pub(super) use symmetric::MintKey;

/// A key that verifies signatures.
#[derive(Clone, Debug)]
pub(super) struct VerifyKey {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyKey {
    /// A shared secret.
    pub(super) fn hs256(secret: &[u8], kid: &str) -> Self {
        Self {
            kid: Some(kid.into()),
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        }
    }

    /// The only algorithm it is for.
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether a token with this `kid` may be meant for it; one without may be meant for any.
    pub(super) fn answers_to(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.kid.as_deref() == Some(kid))
    }

    /// Whether `signature` is this key's, of `signed`.
    pub(super) fn has_signed(&self, signed: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.key, self.algorithm)
            .unwrap_or(false)
    }
}
