//! Commands about one's own session: how it begins, goes on and ends.
//!
//! Not here: checking credentials, which the gateway's auth hooks do.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::variant::some_object;
use crate::{Data, InstanceId, InvalidText, MAX_CLIENT_FIELD_BYTES, Secret, SessionId, Username};

/// Begin a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Start {
    /// The app's id.
    pub app: String,
    /// Who is coming; may be absent where a token names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    /// Which running copy of the client.
    pub instance: InstanceId,
    /// What lets them in.
    pub credentials: Credentials,
    /// What software is coming.
    #[serde(default, deserialize_with = "some_object", skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// A session this one continues: proved, it ends, and its mutes, roles and blocks are carried over.
    #[serde(default, deserialize_with = "some_object", skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// What lets a user in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// Nothing but the name.
    Guest {},
    /// Whatever the app's hook wants, handed to it untouched.
    Params(Data),
    /// A session token or an access token.
    Token(Secret),
}

/// What software a client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientInfo {
    /// Its name, at most 64 bytes.
    #[serde(deserialize_with = "client_field")]
    #[cfg_attr(feature = "schema", schemars(extend(
        "maxLength" = MAX_CLIENT_FIELD_BYTES,
        "pattern" = crate::text::NO_CONTROL_CHARACTERS,
    )))]
    pub name: String,
    /// Its version, at most 64 bytes.
    #[serde(deserialize_with = "client_field")]
    #[cfg_attr(feature = "schema", schemars(extend(
        "maxLength" = MAX_CLIENT_FIELD_BYTES,
        "pattern" = crate::text::NO_CONTROL_CHARACTERS,
    )))]
    pub version: String,
}

fn client_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() <= MAX_CLIENT_FIELD_BYTES && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        let rule = "at most 64 bytes without control characters";
        Err(de::Error::custom(InvalidText { kind: "client name or version", rule }))
    }
}

/// A session that a new one continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Previous {
    /// Its id.
    pub session: SessionId,
    /// Its resume secret.
    pub secret: Secret,
}

/// Take up a session after a lost connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resume {
    /// The session's id.
    pub session: SessionId,
    /// The newest resume secret one has.
    pub secret: Secret,
    /// The highest `seq` one has seen; 0 for none.
    pub last_seq: u64,
    /// Renews in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
}

/// Prolong the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Renew {
    /// A new auth token; without it the gateway renews on its own word, where the app allows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
}

/// There is no auth token to be had now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PostponeRenewal {}

/// End the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct End {
    /// Whether the access token dies too.
    #[serde(default = "yes")]
    pub revoke: bool,
}

const fn yes() -> bool {
    true
}
