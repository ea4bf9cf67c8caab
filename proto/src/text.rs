//! Validated texts: usernames, room ids, idempotency keys and others. Parsing checks the rule of each type once.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::limits::{
    MAX_INSTANCE_CHARS, MAX_REASON_BYTES, MAX_REF_BYTES, MAX_ROOM_ID_CHARS, MAX_SIGNAL_TYPE_CHARS,
    MAX_USERNAME_BYTES, MIN_INSTANCE_CHARS,
};

/// A text that violates the rule of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct InvalidText {
    /// The kind of text, as the wire names it.
    pub kind: &'static str,
    /// The rule.
    pub rule: &'static str,
}

impl InvalidText {
    /// Whether an error of the decoder is one of these. serde passes on only their words.
    pub(crate) fn is_described_by(words: &str) -> bool {
        words.contains(" must be ")
    }
}

/// The schema's pattern for texts without control characters (C0, DEL and C1).
#[cfg(feature = "schema")]
pub(crate) const NO_CONTROL_CHARACTERS: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

macro_rules! text {
    ($(#[$doc:meta])* $name:ident($store:ty), $kind:literal, $rule:literal, { $($bounds:tt)* }, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name($store);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn is_valid(text: &str) -> bool {
                let valid: fn(&str) -> bool = $valid;
                valid(text)
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                if Self::is_valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidText { kind: $kind, rule: $rule })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!($kind, " (", $rule, ")"))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!("A ", $kind, ": ", $rule, "."),
                    $($bounds)*
                })
            }
        }
    };
}

macro_rules! plain_debug {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }
    )* };
}
plain_debug!(InstanceId RoomId Ref SignalType Reason);

text! {
    /// The name of a user, unique in an app.
    ///
    /// Cheap to clone. Its `Debug` form is redacted: usernames reach logs only as a keyed hash.
    Username(Arc<str>), "username", "1 to 256 bytes of UTF-8 in normal form C without control characters, not . or ..",
    { "minLength": 1, "maxLength": MAX_USERNAME_BYTES, "pattern": NO_CONTROL_CHARACTERS, "not": { "enum": [".", ".."] } },
    |text| {
        (1..=MAX_USERNAME_BYTES).contains(&text.len())
            && (text.is_ascii() || unicode_normalization::is_nfc(text))
            && !text.chars().any(char::is_control)
            && !is_path_segment(text)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Username(..)")
    }
}

text! {
    /// The id of a client instance (a browser tab, a device), generated and stored by the client. Cheap to clone.
    InstanceId(Arc<str>), "instance", "8 to 64 characters of A-Z a-z 0-9 . _ ~ -",
    { "minLength": MIN_INSTANCE_CHARS, "maxLength": MAX_INSTANCE_CHARS, "pattern": "^[A-Za-z0-9._~-]*$" },
    |text| {
        (MIN_INSTANCE_CHARS..=MAX_INSTANCE_CHARS).contains(&text.len()) && text.bytes().all(is_unreserved)
    }
}

text! {
    /// The name of a room in an app. Cheap to clone.
    RoomId(Arc<str>), "room", "1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ -, not . or ..",
    {
        "minLength": 1,
        "maxLength": MAX_ROOM_ID_CHARS,
        "pattern": "^[A-Za-z0-9._~:@-]*$",
        "not": { "enum": [".", ".."] },
    },
    |text| {
        (1..=MAX_ROOM_ID_CHARS).contains(&text.len())
            && text.bytes().all(|b| is_unreserved(b) || matches!(b, b':' | b'@'))
            && !is_path_segment(text)
    }
}

text! {
    /// An idempotency key, chosen by the caller.
    Ref(Box<str>), "ref", "1 to 64 bytes without control characters",
    { "minLength": 1, "maxLength": MAX_REF_BYTES, "pattern": NO_CONTROL_CHARACTERS },
    |text| (1..=MAX_REF_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

text! {
    /// The application's name for a kind of signal.
    SignalType(Box<str>), "type", "1 to 128 characters of A-Z a-z 0-9 . _ ~ -",
    { "minLength": 1, "maxLength": MAX_SIGNAL_TYPE_CHARS, "pattern": "^[A-Za-z0-9._~-]*$" },
    |text| (1..=MAX_SIGNAL_TYPE_CHARS).contains(&text.len()) && text.bytes().all(is_unreserved)
}

text! {
    /// The reason of a moderation command, given by the moderator.
    Reason(Arc<str>), "reason", "at most 256 bytes",
    { "maxLength": MAX_REASON_BYTES },
    |text| text.len() <= MAX_REASON_BYTES
}

text! {
    /// A token or a resume secret. Its `Debug` form is redacted.
    Secret(Box<str>), "secret", "a text",
    {  }, |_| true
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whether a URL with this text as a part of its path would mean another path.
fn is_path_segment(text: &str) -> bool {
    matches!(text, "." | "..")
}

/// The characters that need no escaping in a URL (RFC 3986, 2.3).
fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-')
}

/// JSON of the application, preserved byte for byte and not inspected.
///
/// Its `Debug` form is its length: connection and signal data never reach a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Data(Box<RawValue>);

impl Data {
    /// The JSON text as it was received.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// Application data from `text`, which is one JSON value.
    ///
    /// # Errors
    /// The error of serde, if `text` is not JSON.
    pub fn from_json(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// Application data from a value that serializes to JSON.
    ///
    /// # Errors
    /// The error of serde, if `value` has no JSON form, such as a map with keys that are not strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.as_json().len())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Data {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Data".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "Any JSON of the application, passed through untouched." })
    }
}
