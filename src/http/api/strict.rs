//! A strict deserializer that takes some fields of an object from elsewhere.
//!
//! The protocol's types ignore unknown fields. Through this deserializer they reject them, as `deny_unknown_fields`
//! does, and take the fields of a call's path. A direct child object is read as strictly, deeper ones are not.

use std::fmt;

use serde::Deserialize as _;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer as _, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::config::one_of;

/// Reads a struct from an object without unknown fields.
pub(super) struct StrictReader<'a, D> {
    reader: D,
    /// Fields with their values, which the object must not have; those unknown to the struct are left out.
    given: &'a [(&'a str, &'a str)],
    /// Further fields that the object must not have.
    excluded: &'static [&'static str],
}

impl<'a, D> StrictReader<'a, D> {
    pub(super) const fn new(
        reader: D,
        given: &'a [(&'a str, &'a str)],
        excluded: &'static [&'static str],
    ) -> Self {
        Self { reader, given, excluded }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for StrictReader<'_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let is_given = |field: &&str| self.given.iter().any(|(name, _)| name == field);
        let is_taken = |field: &&&str| !is_given(field) && !self.excluded.contains(field);
        let taken = fields.iter().filter(is_taken).copied().collect();
        let given = self.given.iter().filter(|(name, _)| fields.contains(name)).collect();
        self.reader.deserialize_struct(name, fields, StrictVisitor { visitor, taken, given })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.reader.deserialize_option(visitor)
    }

    /// Keeps the name, by which `serde_json` recognizes its raw text.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.reader.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.reader.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.reader.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Visits an object and checks its field names.
struct StrictVisitor<'a, V> {
    visitor: V,
    taken: Vec<&'static str>,
    given: Vec<&'a (&'a str, &'a str)>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StrictVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self { visitor, taken, given } = self;
        visitor.visit_map(StrictMap { map, taken, given, value: None })
    }
}

/// The given fields, then the object's own.
struct StrictMap<'a, A> {
    map: A,
    taken: Vec<&'static str>,
    given: Vec<&'a (&'a str, &'a str)>,
    /// The value of the given field whose key was read last.
    value: Option<&'a str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for StrictMap<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        if let Some((name, value)) = self.given.pop() {
            self.value = Some(value);
            return seed.deserialize((*name).into_deserializer()).map(Some);
        }
        match self.map.next_key_seed(TakenField(&self.taken))? {
            Some(name) => seed.deserialize(name.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(GivenText(value.into_deserializer())),
            None => self.map.next_value_seed(StrictSeed(seed)),
        }
    }
}

/// Reads a field name that is one of these.
struct TakenField<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for TakenField<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<String, D::Error> {
        let name = String::deserialize(reader)?;
        if self.0.contains(&&*name) { Ok(name) } else { Err(unknown_field(&name, self.0)) }
    }
}

/// A text, required or optional.
struct GivenText<'a, E>(StrDeserializer<'a, E>);

impl<'de, E: Error> Deserializer<'de> for GivenText<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads a value. If it is an object, unknown fields are rejected.
struct StrictSeed<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for StrictSeed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(StrictReader::new(reader, &[], &[]))
    }
}

/// The message of [`Error::unknown_field`], which only takes a static list of fields.
fn unknown_field<E: Error>(name: &str, taken: &[&str]) -> E {
    E::custom(match taken {
        [] => format!("unknown field `{name}`, there are no fields"),
        taken => format!("unknown field `{name}`, expected {}", one_of(taken)),
    })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_path_to_error::Track;
    use stagedoor_proto::{
        ForceDisconnect, ForceMute, ForceUnpublish, MuteTarget, SendSignal, Who,
    };

    use super::*;

    const ROOM: &[(&str, &str)] = &[("app", "demo"), ("room", "lobby")];

    /// A struct, or where in the object what is wrong.
    fn read<T: DeserializeOwned>(text: &str) -> Result<T, (String, String)> {
        let mut json = serde_json::Deserializer::from_str(text);
        let mut track = Track::new();
        let reader = serde_path_to_error::Deserializer::new(&mut json, &mut track);
        let read = T::deserialize(StrictReader::new(reader, ROOM, &["lock"]));
        read.map_err(|error| (track.path().to_string(), error.to_string()))
    }

    #[test]
    fn path_supplies_fields_of_the_struct() {
        let mute: ForceMute = read(r#"{ "username": "ada" }"#).unwrap();
        let (room, who) = ("lobby".parse().unwrap(), Who::Username("ada".parse().unwrap()));
        assert_eq!(mute.target, MuteTarget::Person { room, who });
        read::<ForceUnpublish>(r#"{ "stream": "AAAAAAAAAAAAAAAAAAAAAA" }"#).unwrap();
    }

    #[test]
    fn data_is_kept_byte_for_byte() {
        let signal: SendSignal = read(r#"{ "type": "t", "data": { "b" :1.0,"a":[] } }"#).unwrap();
        assert_eq!(signal.data.as_json(), r#"{ "b" :1.0,"a":[] }"#);
    }

    #[test]
    fn other_fields_are_named_with_those_there_are() {
        for (body, path, error) in [
            (
                r#"{ "user": "ada" }"#,
                "user",
                "unknown field `user`, expected one of `participant`, `username`, `block`, `reason`, `ref` at line 1 column 8",
            ),
            (
                r#"{ "username": "ada", "room": "stage" }"#,
                "room",
                "unknown field `room`, expected one of `participant`, `username`, `block`, `reason`, `ref` at line 1 column 27",
            ),
            (
                r#"{ "username": "ada", "block": { "ms": 1 } }"#,
                "block.ms",
                "unknown field `ms`, expected `for_ms` or `scope` at line 1 column 36",
            ),
            (
                r#"{ "username": "ada", "block": [1] }"#,
                "block",
                "invalid type: sequence, expected struct Block at line 1 column 31",
            ),
        ] {
            let expected = (path.to_owned(), error.to_owned());
            assert_eq!(read::<ForceDisconnect>(body).unwrap_err(), expected, "{body}");
        }
        let (path, error) =
            read::<ForceMute>(r#"{ "username": "ada", "lock": true }"#).unwrap_err();
        assert!(
            path == "lock" && error.starts_with("unknown field `lock`, expected one of "),
            "{error}"
        );
    }
}
