//! Secrets in a file: told as a text, or as `{ file = "…" }` to keep them out of it.
//!
//! Invariant: no error made here tells any of a secret's characters, only how many there are.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::outbound::WebhookSecret;

/// What the keys that open the server API begin with, so that scanners of leaked secrets can tell them.
pub const SERVER_KEY_PREFIX: &str = "sk_";
/// The most secrets that sign it at a time.
const MAX_WEBHOOK_SECRETS: usize = 4;
/// The least bytes of a secret that is compared and not computed with.
const MIN_BYTES: usize = 24;

/// A text, or a table that names the file it is in.
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
        f.write_str("a text or { file = \"…\" }")
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

/// The secret in `file`, without the line break that editors end a file with.
pub(super) fn from_file(file: &Path) -> Result<SecretString, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).into()),
        Err(error) => Err(format!("{} ({error}), expected a file of UTF-8 text", file.display())),
    }
}

/// What is shown of a secret: how long it is.
pub(super) fn redacted(secret: &SecretString) -> String {
    format!("{} bytes, not shown", secret.expose_secret().len())
}

/// A secret that is compared and not computed with.
pub(super) struct One;
/// As [`One`], for a key that may be left out.
pub(super) struct Optional;
/// The keys that open the server API.
pub(super) struct ServerKeys;
/// The secret that signs what an app's server is asked.
pub(super) struct Signing;
/// The secrets that sign what an endpoint is told: more than one while they are exchanged.
pub(super) struct WebhookSecrets;
/// The key that opens its calls about the node.
pub(super) struct OperatorKey;

impl One {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SecretString, D::Error> {
        let Source(secret) = Source::deserialize(d)?;
        check(secret, "")
    }

    pub(super) fn serialize<S: Serializer>(secret: &SecretString, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&redacted(secret))
    }
}

impl Optional {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<SecretString>, D::Error> {
        One::deserialize(d).map(Some)
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
        sources.into_iter().map(|Source(secret)| check(secret, SERVER_KEY_PREFIX)).collect()
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
        One::serialize(secret, s)
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
        check(secret, SERVER_KEY_PREFIX).map(Some)
    }

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        key: &Option<SecretString>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        Optional::serialize(key, s)
    }
}

/// `writeOnly` marks a secret, in the schema as for errors.
impl JsonSchema for One {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "minLength": MIN_BYTES, "writeOnly": true },
            {
                "type": "object",
                "properties": { "file": { "type": "string" } },
                "required": ["file"],
                "additionalProperties": false,
            },
        ] })
    }
}

impl JsonSchema for Optional {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        One::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        One::json_schema(generator)
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
        let item = One::json_schema(generator);
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

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": One::json_schema(generator) })
    }
}

fn check<E: de::Error>(secret: SecretString, prefix: &str) -> Result<SecretString, E> {
    let text = secret.expose_secret();
    if text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= MIN_BYTES) {
        return Ok(secret);
    }
    let (bytes, least) = (text.len(), prefix.len() + MIN_BYTES);
    let begin =
        if prefix.is_empty() { String::new() } else { format!(" that begin with \"{prefix}\"") };
    Err(E::custom(format_args!("{bytes} bytes, expected at least {least}{begin}")))
}

/// What cannot sign is found here, and not when the gateway starts.
fn check_signing<E: de::Error>(Source(secret): Source) -> Result<SecretString, E> {
    if WebhookSecret::parse(&secret).is_ok() {
        return Ok(secret);
    }
    let bytes = secret.expose_secret().len();
    Err(E::custom(format_args!("{bytes} bytes, expected `whsec_` and 24 to 64 bytes in base64")))
}
