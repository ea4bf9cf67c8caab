//! Request bodies and their schemas.
//!
//! A call in a room has the body of the protocol's own command; the path gives the room. On the wire unknown fields of
//! a command are ignored; here they are errors, so that typing errors are reported.

use std::any::type_name;
use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;
use stagedoor_proto::{
    ForceDisconnect, ForceMute, ForceMuteAll, ForceUnpublish, ModerateRoom, OnStream, Ref,
    SendSignal, SetRole, Unblock,
};

use super::strict::StrictReader;
use crate::api_body::{BanBody, EmptyBody, NewRoom, ReplayAll, RevokeAllBody};

/// The path parameter that is a field of commands.
const ROOM: &str = "room";

pub(super) trait Body: DeserializeOwned {
    /// The type that the document describes.
    type Schema: JsonSchema;
    /// Command fields that this call rejects.
    const EXCLUDED: &'static [&'static str] = &[];

    /// The body's idempotency key.
    fn ref_mut(&mut self) -> &mut Option<Ref>;

    /// Deserializes a body; `path` gives the path parameters, some of which may be fields of the body.
    ///
    /// # Errors
    /// Those of `reader`, and unknown or rejected fields.
    fn read<'de, D: Deserializer<'de>>(reader: D, path: &[(&str, &str)]) -> Result<Self, D::Error> {
        Self::deserialize(StrictReader::new(reader, path, Self::EXCLUDED))
    }
}

/// Bodies whose schema is their own.
macro_rules! plain_body {
    ($($body:ty),*) => { $(
        impl crate::http::api::body::Body for $body {
            type Schema = Self;
            fn ref_mut(&mut self) -> &mut Option<stagedoor_proto::Ref> {
                &mut self.ref_
            }
        }
    )* };
}
pub(super) use plain_body;

/// A command that is a request body, with its own name and description in the document.
pub(super) trait CommandBody: Body {
    /// The command with the body's fields.
    type Command: JsonSchema;
    /// The name of the schema.
    const NAME: &'static str;
    /// The description of the schema.
    const DESCRIPTION: &'static str;
}

macro_rules! command_body {
    ($($body:ident = $name:literal, $description:literal;)*) => { $(
        impl Body for $body {
            type Schema = CommandSchema<Self>;
            fn ref_mut(&mut self) -> &mut Option<Ref> {
                &mut self.ref_
            }
        }

        impl CommandBody for $body {
            type Command = Self;
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = $description;
        }
    )* };
}

command_body! {
    ForceDisconnect = "ForceDisconnect", "Remove a user or participant; give exactly one of `participant` and `username`.";
    Unblock = "Unblock", "Lift a block from the room.";
    SetRole = "SetRole", "Change a role.";
    ForceMute = "ForceMute", "Mute a target; give exactly one of `stream`, `participant` and `username`.";
    ForceMuteAll = "ForceMuteAll", "Mute a whole room.";
    ForceUnpublish = "ForceUnpublish", "End a stream.";
    OnStream = "RequestUnmute", "Request that a stream is unmuted.";
    SendSignal = "NewSignal", "A signal from the server.";
}

/// The inverse of [`ForceMute`], with the same fields except the lock.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct LiftMute(pub(super) ForceMute);

impl Body for LiftMute {
    type Schema = CommandSchema<Self>;
    const EXCLUDED: &'static [&'static str] = &["lock"];

    fn ref_mut(&mut self) -> &mut Option<Ref> {
        &mut self.0.ref_
    }
}

impl CommandBody for LiftMute {
    type Command = ForceMute;
    const NAME: &'static str = "LiftMute";
    const DESCRIPTION: &'static str =
        "Lift a mute; give exactly one of `stream`, `participant` and `username`.";
}

impl Body for ModerateRoom {
    type Schema = EmptyBody;

    fn ref_mut(&mut self) -> &mut Option<Ref> {
        &mut self.ref_
    }
}

plain_body!(EmptyBody, NewRoom, BanBody, ReplayAll, RevokeAllBody);

/// The schema of a command as a request body: strict, and without the fields that the path gives.
pub(super) struct CommandSchema<B>(PhantomData<B>);

impl<B: CommandBody> JsonSchema for CommandSchema<B> {
    fn schema_name() -> Cow<'static, str> {
        B::NAME.into()
    }

    fn schema_id() -> Cow<'static, str> {
        type_name::<Self>().into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let mut schema = B::Command::json_schema(schemas).to_value();
        let is_taken = |field: &str| field != ROOM && !B::EXCLUDED.contains(&field);
        let fields = schema["properties"].as_object_mut().expect("a command is an object");
        fields.retain(|field, _| is_taken(field));
        for object in fields.values().filter_map(definition_name) {
            // A child object is as strict.
            if let Some(object) = schemas
                .definitions_mut()
                .get_mut(&object)
                .filter(|it| it.get("properties").is_some())
            {
                object["additionalProperties"] = false.into();
            }
        }
        if let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
            for choice in choices {
                retain_required(choice, is_taken);
            }
        }
        retain_required(&mut schema, is_taken);
        schema["additionalProperties"] = false.into();
        schema["description"] = B::DESCRIPTION.into();
        Schema::try_from(schema).expect("still a valid schema")
    }
}

fn definition_name(field: &Value) -> Option<String> {
    let reference = field.get("$ref")?.as_str()?;
    reference.rsplit('/').next().map(str::to_owned)
}

fn retain_required(schema: &mut Value, is_taken: impl Fn(&str) -> bool) {
    let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) else { return };
    required.retain(|field| field.as_str().is_some_and(&is_taken));
    if required.is_empty() {
        schema.as_object_mut().expect("it has a field").remove("required");
    }
}
