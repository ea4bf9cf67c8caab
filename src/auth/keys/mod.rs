//! Keys that verify and sign tokens: an app's own, and remote key sets.
//!
//! Invariants: a key has one algorithm, fixed when it is loaded and never by a token; keys are parsed once; `Debug`
//! output contains no key material.
//! Not here: storage of the gateway's own key (`store`), and the claims of tokens (`token`).

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

#[derive(Clone, Debug)]
pub(super) struct VerifyKey {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyKey {
    pub(super) fn hs256(secret: &[u8], kid: &str) -> Self {
        Self {
            kid: Some(kid.into()),
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        }
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether a token with this `kid` can be verified with the key. A token without one can be tried with any key.
    pub(super) fn matches_kid(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.kid.as_deref() == Some(kid))
    }

    /// Whether this key made `signature` over `signed`.
    pub(super) fn verify(&self, signed: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.key, self.algorithm)
            .unwrap_or(false)
    }
}
