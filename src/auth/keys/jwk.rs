//! A key set as an issuer publishes it (RFC 7517).
//!
//! Invariants: only public keys are used (an `oct` key would be a published secret); the algorithm is the key's own
//! `alg`, or follows from its kind; a key that cannot be used is skipped.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::VerifyKey;
use super::app::{ED25519_KEY_BYTES, P256_POINT_BYTES};

/// The usable keys of a set, in order, at most [`MAX_KEYS`].
pub(super) fn parse(body: &[u8]) -> Result<Vec<VerifyKey>, serde_json::Error> {
    let set: JwkSet = serde_json::from_slice(body)?;
    Ok(set
        .keys
        .iter()
        .filter_map(|key| Jwk::deserialize(key).ok()?.usable())
        .take(MAX_KEYS)
        .collect())
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    intended: Option<String>,
    kid: Option<Box<str>>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    fn usable(&self) -> Option<VerifyKey> {
        if self.intended.as_deref().is_some_and(|intended| intended != "sig") {
            return None;
        }
        let (usual, others, key) = self.by_kind()?;
        let algorithm = match &self.alg {
            None => usual,
            Some(named) => {
                named.parse().ok().filter(|alg| *alg == usual || others.contains(alg))?
            }
        };
        Some(VerifyKey { kid: self.kid.clone(), algorithm, key })
    }

    /// The default algorithm of its kind, the other algorithms that `alg` may name, and the key.
    fn by_kind(&self) -> Option<(Algorithm, &'static [Algorithm], DecodingKey)> {
        match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => {
                let key =
                    DecodingKey::from_rsa_components(self.n.as_ref()?, self.e.as_ref()?).ok()?;
                Some((Algorithm::RS256, OTHER_RSA, key))
            }
            ("EC", Some("P-256")) => Some((Algorithm::ES256, &[], self.point(P256_POINT_BYTES)?)),
            ("EC", Some("P-384")) => Some((Algorithm::ES384, &[], self.point(P384_POINT_BYTES)?)),
            ("OKP", Some("Ed25519")) => {
                let key = DecodingKey::from_ed_components(self.x.as_ref()?).ok()?;
                Some((Algorithm::EdDSA, &[], with_length(key, ED25519_KEY_BYTES)?))
            }
            _ => None,
        }
    }

    fn point(&self, bytes: usize) -> Option<DecodingKey> {
        with_length(
            DecodingKey::from_ec_components(self.x.as_ref()?, self.y.as_ref()?).ok()?,
            bytes,
        )
    }
}

fn with_length(key: DecodingKey, bytes: usize) -> Option<DecodingKey> {
    let has_length = key.try_get_as_bytes().is_ok_and(|found| found.len() == bytes);
    has_length.then_some(key)
}

/// Algorithms of RSA keys other than RS256.
const OTHER_RSA: &[Algorithm] =
    &[Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
/// A tag and two coordinates.
const P384_POINT_BYTES: usize = 97;
/// Maximum number of keys of a set. A token without `kid` is tried with each.
const MAX_KEYS: usize = 32;
