//! Value types with a range: how each is read, printed and described in the JSON Schema. Used in `#[serde(with = …)]`.
//!
//! The attribute of a field is the only place of its range. Not here: parsing (`value`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::Role;

use super::value;
use crate::grant::RoomPattern;

/// A duration of `MIN` to `MAX` milliseconds, such as `"30s"`.
pub(super) struct BoundedDuration<const MIN: u64, const MAX: u64>;
/// A size of `MIN` to `MAX` bytes, such as `65536` or `"64KiB"`.
pub(super) struct BoundedSize<const MIN: u64, const MAX: u64>;
/// A whole number from `MIN` to `MAX`.
pub(super) struct BoundedCount<const MIN: u64, const MAX: u64>;
/// A table of room patterns and roles.
pub(super) struct Rooms;

impl<const MIN: u64, const MAX: u64> BoundedDuration<MIN, MAX> {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        value::duration::<MIN, MAX, D>(d)
    }

    pub(super) fn serialize<S: Serializer>(duration: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&value::format_duration(*duration))
    }
}

impl<const MIN: u64, const MAX: u64> BoundedSize<MIN, MAX> {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<usize, D::Error> {
        value::size::<MIN, MAX, D>(d)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(bytes: &usize, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&value::format_size(*bytes))
    }
}

impl<const MIN: u64, const MAX: u64> BoundedCount<MIN, MAX> {
    pub(super) fn deserialize<'de, T: TryFrom<u64>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<T, D::Error> {
        value::count::<MIN, MAX, T, D>(d)
    }

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        count: &T,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        count.serialize(s)
    }
}

impl Rooms {
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Vec<(RoomPattern, Role)>, D::Error> {
        let rooms = BTreeMap::<String, Role>::deserialize(d)?;
        let parse = |(pattern, role): (String, Role)| {
            Ok((pattern.try_into().map_err(de::Error::custom)?, role))
        };
        rooms.into_iter().map(parse).collect()
    }

    pub(super) fn serialize<S: Serializer>(
        rooms: &[(RoomPattern, Role)],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_map(rooms.iter().map(|(pattern, role)| (String::from(pattern.clone()), role)))
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for BoundedDuration<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Duration_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let [least, most] = [MIN, MAX].map(|ms| value::format_duration(Duration::from_millis(ms)));
        let allowed = format!("a duration from {least} to {most}");
        json_schema!({ "type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h|d)$", "$comment": allowed })
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for BoundedSize<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Size_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": MIN, "maximum": MAX },
            { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB)$" },
        ] })
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for BoundedCount<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Count_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl JsonSchema for Rooms {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rooms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, Role>::json_schema(generator)
    }
}
