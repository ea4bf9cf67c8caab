//! The keys that verify an app's tokens: shared secrets, public keys, and another issuer's key set.
//!
//! Invariant: a public key verifies RS256, ES256 or `EdDSA`; this is checked when its file is read.
//! Not here: fetching a key set and verifying with it (`auth`).

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::violation::RuleViolation;
use super::{secret, url, value};

/// Minimum length of an HS256 secret (RFC 7518, 3.2).
const MIN_HS256_BYTES: usize = 32;
/// The first line of a public key in PEM. Other PEM types contain certificates or private keys.
const PEM_START: &str = "-----BEGIN PUBLIC KEY-----";
/// Length of the modulus of an RSA key of 2048 bits.
const MIN_RSA_BYTES: usize = 256;
/// A tag and the two coordinates of a point on P-256.
const P256_BYTES: usize = 65;
/// The one coordinate of a point on Curve25519.
const ED25519_BYTES: usize = 32;

/// An HS256 secret, shared with the app's own servers.
#[derive(Clone, Debug)]
pub struct HmacSecret {
    /// The key id in a token's header.
    pub kid: Option<Box<str>>,
    /// The bytes of the string are the key.
    pub secret: SecretString,
}

/// A public key; only the app's own servers have the private key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawPublicKey")]
pub struct PublicKey {
    /// The key id in a token's header.
    pub kid: Option<Box<str>>,
    pub algorithm: KeyAlgorithm,
    pub pem: Arc<str>,
}

/// The algorithm that a public key verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// Another token issuer: the URL of its key set, and its claim names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwks {
    /// URL of the issuer's key set: https, or http on loopback.
    #[serde(deserialize_with = "url::deserialize", serialize_with = "url::serialize")]
    pub url: String,
    /// Required value of `iss`.
    #[serde(deserialize_with = "value::text")]
    pub issuer: String,
    /// Required member of `aud`.
    #[serde(deserialize_with = "value::text")]
    pub audience: String,
    /// Whether the URL may resolve to a loopback or private address.
    #[serde(default)]
    pub allow_private: bool,
    /// Names of the issuer's claims.
    #[serde(default)]
    pub claims: Claims,
}

impl Jwks {
    pub(super) fn violation(&self) -> Option<RuleViolation> {
        url::private_url_violation(&self.url, self.allow_private)
    }

    /// The values that are not shown in full, by key.
    pub(super) fn hidden(&self) -> [(&'static str, &str); 1] {
        let Self { url, issuer: _, audience: _, allow_private: _, claims: _ } = self;
        [("url", url)]
    }
}

/// Top-level claim names of another token issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    /// Claim with the username.
    pub username: String,
    /// Claim with the display name.
    pub name: Option<String>,
    /// Claim with room patterns and roles. Without it these tokens grant no rooms.
    pub rooms: Option<String>,
    /// Claim with the scopes. Without it the role decides.
    pub scopes: Option<String>,
    /// Claim with the client instance that a token is bound to.
    pub instance: Option<String>,
    /// Claim that makes a user a moderator of the whole app.
    pub app_moderator: Option<String>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            username: "sub".to_owned(),
            name: Some("name".to_owned()),
            rooms: None,
            scopes: None,
            instance: None,
            app_moderator: None,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPublicKey {
    /// PEM file of the public key.
    file: PathBuf,
    /// Key id in a token's header.
    kid: Option<Box<str>>,
}

/// The printed form: the key id, the algorithm, and a hash.
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let algorithm = match self.algorithm {
            KeyAlgorithm::Rs256 => "RS256",
            KeyAlgorithm::Es256 => "ES256",
            KeyAlgorithm::EdDsa => "EdDSA",
        };
        let hash = value::fingerprint(self.pem.as_bytes());
        let kid = self.kid.as_deref().map(|kid| format!("kid {kid:?}, ")).unwrap_or_default();
        serializer.collect_str(&format_args!("{kid}{algorithm}, {hash}"))
    }
}

/// The printed form: the key id and the length.
impl Serialize for HmacSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kid = self.kid.as_deref().map(|kid| format!("kid {kid:?}, ")).unwrap_or_default();
        serializer.collect_str(&format_args!("{kid}{}", secret::redacted(&self.secret)))
    }
}

impl JsonSchema for HmacSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HmacSecret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let text = schemars::json_schema!({ "type": "string", "minLength": MIN_HS256_BYTES, "writeOnly": true });
        let kid = schemars::json_schema!({ "type": "string" });
        let table = |key: &str, value: &schemars::Schema| {
            schemars::json_schema!({
                "type": "object",
                "properties": { key: value, "kid": kid },
                "required": [key],
                "additionalProperties": false,
            })
        };
        schemars::json_schema!({ "anyOf": [text, table("secret", &text), table("file", &kid)] })
    }
}

impl TryFrom<RawPublicKey> for PublicKey {
    type Error = String;
    fn try_from(raw: RawPublicKey) -> Result<Self, String> {
        let shown = raw.file.display();
        let allowed = "the PEM file of an RSA (2048 bits or more), P-256 or Ed25519 public key";
        let pem = std::fs::read_to_string(&raw.file)
            .map_err(|error| format!("{shown} ({error}), expected {allowed}"))?;
        let algorithm = KeyAlgorithm::of(&pem)
            .ok_or_else(|| format!("{shown}, which contains none, expected {allowed}"))?;
        Ok(Self { kid: raw.kid, algorithm, pem: pem.into() })
    }
}

impl KeyAlgorithm {
    /// The algorithm of the public key in `pem`; `None` if there is no supported key.
    fn of(pem: &str) -> Option<Self> {
        if !pem.trim_start().starts_with(PEM_START) {
            return None;
        }
        // `jsonwebtoken` only distinguishes curves when it verifies; the length of the key identifies the curve now.
        let kinds = [
            (DecodingKey::from_rsa_pem(pem.as_bytes()), MIN_RSA_BYTES..=usize::MAX, Self::Rs256),
            (DecodingKey::from_ec_pem(pem.as_bytes()), P256_BYTES..=P256_BYTES, Self::Es256),
            (DecodingKey::from_ed_pem(pem.as_bytes()), ED25519_BYTES..=ED25519_BYTES, Self::EdDsa),
        ];
        kinds.into_iter().find_map(|(key, lengths, algorithm)| {
            let key = key.ok()?;
            lengths.contains(&key.try_get_as_bytes().ok()?.len()).then_some(algorithm)
        })
    }
}

impl<'de> Deserialize<'de> for HmacSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HmacSecretVisitor)
    }
}

struct HmacSecretVisitor;

impl<'de> Visitor<'de> for HmacSecretVisitor {
    type Value = HmacSecret;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a secret of at least {MIN_HS256_BYTES} bytes: a string, {{ file = \"…\" }} ")?;
        f.write_str("or { secret = \"…\" }, both with an optional kid")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HmacSecret, E> {
        long_enough(text.into(), &self).map(|secret| HmacSecret { kid: None, secret })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HmacSecret, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            kid: Option<Box<str>>,
            secret: Option<String>,
            file: Option<PathBuf>,
        }
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let secret = match (table.secret, table.file) {
            (Some(text), None) => text.into(),
            (None, Some(file)) => secret::from_file(&file).map_err(de::Error::custom)?,
            (Some(_), Some(_)) => {
                return Err(de::Error::custom("both, expected either secret or file"));
            }
            (None, None) => return Err(de::Error::missing_field("secret")),
        };
        long_enough(secret, &self).map(|secret| HmacSecret { kid: table.kid, secret })
    }
}

fn long_enough<E: de::Error>(
    secret: SecretString,
    expected: &dyn de::Expected,
) -> Result<SecretString, E> {
    match secret.expose_secret().len() {
        MIN_HS256_BYTES.. => Ok(secret),
        bytes => Err(E::custom(format_args!("{bytes} bytes, expected {expected}"))),
    }
}
