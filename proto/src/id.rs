//! Ids that the gateway generates: 128 random bits, written as 22 characters of unpadded base64url.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters of an id on the wire.
const ID_CHARS: usize = 22;

/// A text that is not an id: not 22 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 22 characters of base64url")]
pub struct InvalidId;

fn encode(bits: u128) -> [u8; ID_CHARS] {
    let mut out = [0; ID_CHARS];
    URL_SAFE_NO_PAD.encode_slice(bits.to_be_bytes(), &mut out).expect("16 bytes are 22 characters");
    out
}

fn decode(text: &str) -> Result<u128, InvalidId> {
    // The decoder needs space for whole quads; 22 characters give 16 bytes, or an error if the unused bits are not 0.
    let mut roomy = [0; 18];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut roomy) {
        Ok(16) => Ok(u128::from_be_bytes(roomy[..16].try_into().expect("16 bytes"))),
        Ok(_) | Err(_) => Err(InvalidId),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The id of these random bits.
            #[must_use]
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The random bits.
            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&encode(self.0)).expect("base64url is ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text = encode(self.0);
                serializer.serialize_str(std::str::from_utf8(&text).expect("base64url is ASCII"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdVisitor).map(Self)
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
                    "description": "An id the gateway made: 22 characters of base64url.",
                    // 128 bits leave four bits of the last character zero.
                    "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$",
                })
            }
        }
    };
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = u128;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id of 22 base64url characters")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<u128, E> {
        decode(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

id! {
    /// The id of a session: an authenticated client instance.
    SessionId
}
id! {
    /// The id of a participant: the membership of a session in a room.
    ParticipantId
}
id! {
    /// The id of a stream that a participant publishes in a room.
    StreamId
}
id! {
    /// The id of a participant, or of one of its streams.
    MuteException
}
id! {
    /// The id of a token family: the access tokens since one full authentication.
    FamilyId
}

impl From<ParticipantId> for MuteException {
    fn from(participant: ParticipantId) -> Self {
        Self(participant.0)
    }
}

impl From<StreamId> for MuteException {
    fn from(stream: StreamId) -> Self {
        Self(stream.0)
    }
}
