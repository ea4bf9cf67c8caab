//! An app's own keys.

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};

use super::{MintKey, VerifyKey};

/// A key that verifies an app's tokens, and can sign them if it is a secret.
#[derive(Clone, Debug)]
pub struct AppKey {
    id: Box<str>,
    verifying: VerifyKey,
    minting: Option<MintKey>,
}

/// The kind of a public key, which determines its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyKind {
    /// RSA of 2048 bits or more: RS256.
    Rsa,
    /// ECDSA on P-256: ES256.
    P256,
    /// Ed25519: `EdDSA`.
    Ed25519,
}

/// Why a key is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// RFC 7518, 3.2: at least as many bits as the hash.
    #[error("an HS256 secret needs at least {MIN_SECRET_BYTES} bytes, found {bytes}")]
    ShortSecret { bytes: usize },
    /// The PEM contains something else than a public key, such as a private key.
    #[error("expected a public key (-----BEGIN PUBLIC KEY-----)")]
    NotPublic,
    #[error("the PEM contains no {} public key", .expected.as_str())]
    WrongKind { expected: PublicKeyKind },
}

impl AppKey {
    /// A shared secret (HS256), named in tokens by `kid`, or by `id` if it has none.
    ///
    /// # Errors
    /// [`InvalidKey::ShortSecret`].
    pub fn hs256(id: &str, kid: Option<&str>, secret: &SecretString) -> Result<Self, InvalidKey> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < MIN_SECRET_BYTES {
            return Err(InvalidKey::ShortSecret { bytes: secret.len() });
        }
        let kid = kid.unwrap_or(id);
        let verifying = VerifyKey::hs256(secret, kid);
        Ok(Self { id: id.into(), verifying, minting: Some(MintKey::new(secret, kid)) })
    }

    /// A public key in PEM, named in tokens by `kid`, or by `id` if it has none.
    ///
    /// # Errors
    /// [`InvalidKey::NotPublic`] and [`InvalidKey::WrongKind`].
    pub fn public(
        id: &str,
        kid: Option<&str>,
        expected: PublicKeyKind,
        pem: &str,
    ) -> Result<Self, InvalidKey> {
        if !pem.trim_start().starts_with("-----BEGIN PUBLIC KEY-----") {
            return Err(InvalidKey::NotPublic);
        }
        let key = expected.parse(pem.as_bytes()).ok_or(InvalidKey::WrongKind { expected })?;
        let verifying =
            VerifyKey { kid: Some(kid.unwrap_or(id).into()), algorithm: expected.algorithm(), key };
        Ok(Self { id: id.into(), verifying, minting: None })
    }

    /// The key's name in configuration and logs.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::auth) fn verifying(&self) -> &VerifyKey {
        &self.verifying
    }

    pub(in crate::auth) fn minting(&self) -> Option<&MintKey> {
        self.minting.as_ref()
    }
}

impl PublicKeyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::Ed25519 => "Ed25519",
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rsa => Algorithm::RS256,
            Self::P256 => Algorithm::ES256,
            Self::Ed25519 => Algorithm::EdDSA,
        }
    }

    /// Parses `pem` if it contains a key of this kind. `jsonwebtoken` notices a wrong kind late or not at all.
    fn parse(self, pem: &[u8]) -> Option<DecodingKey> {
        // Keys of elliptic curves are much shorter than the shortest RSA key.
        let (key, lengths) = match self {
            Self::Rsa => (DecodingKey::from_rsa_pem(pem), MIN_RSA_KEY_BYTES..=usize::MAX),
            Self::P256 => (DecodingKey::from_ec_pem(pem), P256_POINT_BYTES..=P256_POINT_BYTES),
            Self::Ed25519 => (DecodingKey::from_ed_pem(pem), ED25519_KEY_BYTES..=ED25519_KEY_BYTES),
        };
        key.ok()
            .filter(|key| key.try_get_as_bytes().is_ok_and(|bytes| lengths.contains(&bytes.len())))
    }
}

/// Minimum length of an HS256 secret.
const MIN_SECRET_BYTES: usize = 32;
/// Length of the modulus of an RSA key of 2048 bits.
const MIN_RSA_KEY_BYTES: usize = 256;
/// A tag and two coordinates.
pub(super) const P256_POINT_BYTES: usize = 65;
/// One coordinate.
pub(super) const ED25519_KEY_BYTES: usize = 32;
