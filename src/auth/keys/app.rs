//! An app's own keys.

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};

use super::{MintKey, VerifyKey};

/// A key of an app: its tokens are signed with it.
#[derive(Clone, Debug)]
pub struct AppKey {
    id: Box<str>,
    verifying: VerifyKey,
    minting: Option<MintKey>,
}

/// What a public key is, and so the algorithm it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyKind {
    /// RSA of 2048 bits or more: RS256.
    Rsa,
    /// ECDSA on P-256: ES256.
    P256,
    /// Ed25519: `EdDSA`.
    Ed25519,
}

/// Why a key of an app is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// RFC 7518, 3.2 asks for as many bits as the hash has.
    #[error("an HS256 secret has at least {MIN_SECRET_BYTES} bytes; this has {bytes}")]
    ShortSecret {
        /// How long it is.
        bytes: usize,
    },
    /// A private key does not belong here.
    #[error("a public key is expected (-----BEGIN PUBLIC KEY-----)")]
    NotPublic,
    /// It is a key of another kind, or none.
    #[error("the PEM holds no {} public key", .expected.as_str())]
    WrongKind {
        /// What it should have been.
        expected: PublicKeyKind,
    },
}

impl AppKey {
    /// A shared secret (HS256). Tokens name it by `kid`, or by `id` where there is none.
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

    /// A public key in PEM; its private half signs elsewhere. Tokens name it by `kid`, or by `id` where there is none.
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

    /// Its name in configuration and logs.
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

    /// The key in `pem`, when it is of this kind: `jsonwebtoken` only notices some confusions, and late.
    fn parse(self, pem: &[u8]) -> Option<DecodingKey> {
        // An RSA key's body has no fixed length, but an elliptic key's is far below any RSA key of use.
        let (key, lengths) = match self {
            Self::Rsa => (DecodingKey::from_rsa_pem(pem), MIN_RSA_KEY_BYTES..=usize::MAX),
            Self::P256 => (DecodingKey::from_ec_pem(pem), P256_POINT_BYTES..=P256_POINT_BYTES),
            Self::Ed25519 => (DecodingKey::from_ed_pem(pem), ED25519_KEY_BYTES..=ED25519_KEY_BYTES),
        };
        key.ok()
            .filter(|key| key.try_get_as_bytes().is_ok_and(|bytes| lengths.contains(&bytes.len())))
    }
}

/// Shortest HS256 secret.
const MIN_SECRET_BYTES: usize = 32;
/// The modulus alone of an RSA key of 2048 bits.
const MIN_RSA_KEY_BYTES: usize = 256;
/// A tag and two coordinates.
pub(super) const P256_POINT_BYTES: usize = 65;
/// One coordinate.
pub(super) const ED25519_KEY_BYTES: usize = 32;
