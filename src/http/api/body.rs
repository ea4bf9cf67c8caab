//! Bodies of calls: what a call takes, and its schema.
//!
//! A call in a room takes the protocol's own command, whose room the path gives. On the wire a field that a command has
//! not is ignored; here it is an error, so that a misspelt one is named.

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
use crate::api_body::{BanBody, EmptyBody, NewRoom, ReplayAll};

/// The parameter of the path that is a field of commands.
const ROOM: &str = "room";

/// The body of a call that changes something.
pub(super) trait Body: DeserializeOwned {
    /// As the document describes it.
    type Schema: JsonSchema;
    /// Fields that this call does not take.
    const EXCLUDED: &'static [&'static str] = &[];

    /// Its `ref`.
    fn ref_mut(&mut self) -> &mut Option<Ref>;

    /// Reads it; `path` gives the parameters of the path, some of which may be fields of it.
    ///
    /// # Errors
    /// Those of `reader`; a field that the call does not take is one of them.
    fn read<'de, D: Deserializer<'de>>(reader: D, path: &[(&str, &str)]) -> Result<Self, D::Error> {
        Self::deserialize(StrictReader::new(reader, path, Self::EXCLUDED))
    }
}

/// Bodies that are described as they are.
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

/// A command that is the body of a call, by a name and a description of its own.
pub(super) trait CommandBody: Body {
    /// The command whose fields it has.
    type Command: JsonSchema;
    /// Its name in the document.
    const NAME: &'static str;
    /// What it is for.
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
    ForceDisconnect = "ForceDisconnect", "Remove somebody: exactly one of `participant` and `username`.";
    Unblock = "Unblock", "Let somebody return.";
    SetRole = "SetRole", "Give somebody another role.";
    ForceMute = "ForceMute", "Mute exactly one of `stream`, `participant` and `username`.";
    ForceMuteAll = "ForceMuteAll", "Mute everybody.";
    ForceUnpublish = "ForceUnpublish", "End a stream.";
    OnStream = "AskUnmute", "Ask for a stream's audio.";
    SendSignal = "NewSignal", "A signal of the server.";
}

/// Lifts what [`ForceMute`] did, which has the same fields but for the lock.
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
        "Lift the mute of exactly one of `stream`, `participant` and `username`.";
}

impl Body for ModerateRoom {
    type Schema = EmptyBody;

    fn ref_mut(&mut self) -> &mut Option<Ref> {
        &mut self.ref_
    }
}

plain_body!(EmptyBody, NewRoom, BanBody, ReplayAll);

/// The schema of a command as the body of a call: without what the path gives, and strict.
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
            // An object inside of the body, if it is one, is as strict.
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
        Schema::try_from(schema).expect("it was one")
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
