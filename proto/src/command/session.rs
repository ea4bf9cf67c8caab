//! Commands about the session itself: start, resume, renew and end.
//!
//! Not here: authentication, which the gateway's auth hooks do.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::variant::some_object;
use crate::{Data, InstanceId, InvalidText, MAX_CLIENT_FIELD_BYTES, Secret, SessionId, Username};

/// Start a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Start {
    /// The app's id.
    pub app: String,
    /// The name of the user; may be absent if a token names the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    /// The client instance.
    pub instance: InstanceId,
    /// The credentials.
    pub credentials: Credentials,
    /// The client software.
    #[serde(default, deserialize_with = "some_object", skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// A session that this one continues. If its secret is valid, it ends, and its mutes, roles and blocks migrate.
    #[serde(default, deserialize_with = "some_object", skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// Credentials of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// Only the username.
    Guest {},
    /// JSON for the app's hook, passed on unchanged.
    Params(Data),
    /// A session token or an access token.
    Token(Secret),
}

/// The client software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientInfo {
    /// The name of the software, at most 64 bytes.
    #[serde(deserialize_with = "client_field")]
    #[cfg_attr(feature = "schema", schemars(extend(
        "maxLength" = MAX_CLIENT_FIELD_BYTES,
        "pattern" = crate::text::NO_CONTROL_CHARACTERS,
    )))]
    pub name: String,
    /// The version of the software, at most 64 bytes.
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
    /// The id of the session.
    pub session: SessionId,
    /// The resume secret of the session.
    pub secret: Secret,
    /// Whether the session goes on. A guest then holds the name on both instances.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Resume a session after a lost connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("not" = { "required": ["auth_token", "params"] })))]
pub struct Resume {
    /// The session's id.
    pub session: SessionId,
    /// The newest resume secret of the client.
    pub secret: Secret,
    /// The highest `seq` that the client received; 0 for none.
    pub last_seq: u64,
    /// Renews the access token in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
    /// Renews in the same step, by the app's own hook; instead of `auth_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Data>,
}

/// Check the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ping {}

/// Renew the access token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("not" = { "required": ["auth_token", "params"] })))]
pub struct Renew {
    /// A new auth token; without it the gateway renews the token itself, if the app allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
    /// For the app's own hook, instead of `auth_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Data>,
}

/// Postpone the renewal, because no auth token is available now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PostponeRenewal {}

/// End the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct End {
    /// Whether the access token is revoked too.
    #[serde(default = "yes")]
    pub revoke: bool,
}

const fn yes() -> bool {
    true
}
