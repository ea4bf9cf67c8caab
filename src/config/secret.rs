//! Secrets: a string, or `{ file = "…" }` for one that is stored elsewhere.
//!
//! Invariant: errors contain the length of a secret, never its characters.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::outbound::WebhookSecret;

/// The prefix of server keys, by which secret scanners recognize a leaked key.
pub const SERVER_KEY_PREFIX: &str = "sk_";
/// Minimum length of a server key after its prefix.
pub const MIN_SERVER_KEY_CHARS: usize = 32;
/// Maximum number of signing secrets of an endpoint.
const MAX_WEBHOOK_SECRETS: usize = 4;
/// Minimum length of a secret that is only compared.
const MIN_BYTES: usize = 24;

/// A secret, read from a string or from the file that a table names.
struct Source(SecretString);

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or { file = \"…\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Source, E> {
        Ok(Source(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            file: PathBuf,
        }
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        from_file(&table.file).map(Source).map_err(de::Error::custom)
    }
}

/// The secret in `file`, without line breaks at the end.
pub(super) fn from_file(file: &Path) -> Result<SecretString, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).into()),
        Err(error) => Err(format!("{} ({error}), expected a file of UTF-8 text", file.display())),
    }
}

/// The printed form of a secret: its length.
pub(super) fn redacted(secret: &SecretString) -> String {
    format!("{} bytes, not shown", secret.expose_secret().len())
}

/// A secret that is only compared.
pub(super) struct ComparedSecret;
/// A [`ComparedSecret`] that is optional.
pub(super) struct Optional;
/// The keys of the server API.
pub(super) struct ServerKeys;
/// The secret that signs requests to the auth webhook.
pub(super) struct Signing;
/// The secrets that sign webhook messages; several during a rotation.
pub(super) struct WebhookSecrets;
/// The operator's key.
pub(super) struct OperatorKey;

impl ComparedSecret {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SecretString, D::Error> {
        let Source(secret) = Source::deserialize(d)?;
        check(secret, "", MIN_BYTES)
    }

    pub(super) fn serialize<S: Serializer>(secret: &SecretString, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&redacted(secret))
    }
}

impl Optional {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<SecretString>, D::Error> {
        ComparedSecret::deserialize(d).map(Some)
    }

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        secret: &Option<SecretString>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(redacted).serialize(s)
    }
}

impl ServerKeys {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Vec<SecretString>, D::Error> {
        let sources = Vec::<Source>::deserialize(d)?;
        let keys = sources.into_iter();
        keys.map(|Source(secret)| check(secret, SERVER_KEY_PREFIX, MIN_SERVER_KEY_CHARS)).collect()
    }

    pub(super) fn serialize<S: Serializer>(keys: &[SecretString], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(keys.iter().map(redacted))
    }
}

impl Signing {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SecretString, D::Error> {
        check_signing(Source::deserialize(d)?)
    }

    pub(super) fn serialize<S: Serializer>(secret: &SecretString, s: S) -> Result<S::Ok, S::Error> {
        ComparedSecret::serialize(secret, s)
    }
}

impl WebhookSecrets {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Vec<SecretString>, D::Error> {
        let sources = Vec::<Source>::deserialize(d)?;
        if !(1..=MAX_WEBHOOK_SECRETS).contains(&sources.len()) {
            let found = sources.len();
            return Err(de::Error::custom(format_args!(
                "{found} secrets, expected 1 to {MAX_WEBHOOK_SECRETS}"
            )));
        }
        sources.into_iter().map(check_signing).collect()
    }

    pub(super) fn serialize<S: Serializer>(keys: &[SecretString], s: S) -> Result<S::Ok, S::Error> {
        ServerKeys::serialize(keys, s)
    }
}

impl OperatorKey {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<SecretString>, D::Error> {
        let Source(secret) = Source::deserialize(d)?;
        check(secret, SERVER_KEY_PREFIX, MIN_BYTES).map(Some)
    }

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        key: &Option<SecretString>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        Optional::serialize(key, s)
    }
}

/// `writeOnly` marks a secret for JSON Schema and for [`super::hidden`].
impl JsonSchema for ComparedSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        secret_schema(MIN_BYTES)
    }
}

impl JsonSchema for Optional {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        ComparedSecret::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ComparedSecret::json_schema(generator)
    }
}

impl JsonSchema for WebhookSecrets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WebhookSecrets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = ComparedSecret::json_schema(generator);
        json_schema!({
            "type": "array", "items": item, "minItems": 1, "maxItems": MAX_WEBHOOK_SECRETS,
        })
    }
}

impl JsonSchema for ServerKeys {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServerKeys".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let item = secret_schema(SERVER_KEY_PREFIX.len() + MIN_SERVER_KEY_CHARS);
        json_schema!({ "type": "array", "items": item })
    }
}

fn secret_schema(min_bytes: usize) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "string", "minLength": min_bytes, "writeOnly": true },
        {
            "type": "object",
            "properties": { "file": { "type": "string" } },
            "required": ["file"],
            "additionalProperties": false,
        },
    ] })
}

/// Checks that `secret` has at least `min` bytes after `prefix`.
fn check<E: de::Error>(secret: SecretString, prefix: &str, min: usize) -> Result<SecretString, E> {
    let text = secret.expose_secret();
    if text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= min) {
        return Ok(secret);
    }
    let (bytes, least) = (text.len(), prefix.len() + min);
    let begin =
        if prefix.is_empty() { String::new() } else { format!(" that begin with \"{prefix}\"") };
    Err(E::custom(format_args!("{bytes} bytes, expected at least {least}{begin}")))
}

/// Rejects secrets that cannot sign when the configuration is read, not when the gateway starts.
fn check_signing<E: de::Error>(Source(secret): Source) -> Result<SecretString, E> {
    if WebhookSecret::parse(&secret).is_ok() {
        return Ok(secret);
    }
    let bytes = secret.expose_secret().len();
    Err(E::custom(format_args!("{bytes} bytes, expected `whsec_` and 24 to 64 bytes in base64")))
}
