//! Every text that the schema allows decodes and round-trips; no other text makes decoding panic.
//!
//! Messages are generated from the JSON Schema, so new commands, pushes and fields are covered, and a schema that
//! allows what the decoder rejects fails here.

mod from_schema;
mod wire;

use proptest::prelude::*;
use serde_json::Value;
use stagedoor_proto::{
    ClientMessage, Command, Data, ServerMessage, decode_client, decode_server, encode_push,
    frame_text, schema,
};

fn message(definition: &str) -> BoxedStrategy<Value> {
    let schema = schema::json_schema();
    from_schema::values(&schema["$defs"][definition], &schema)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn every_client_message_the_schema_allows_round_trips(message in message("ClientMessage")) {
        let text = message.to_string();
        let decoded = decode_client(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let again = decode_client(&wire::client_text(&decoded));
        prop_assert_eq!(again, Ok(decoded));
    }

    #[test]
    fn every_server_message_the_schema_allows_round_trips(message in message("ServerMessage")) {
        let text = message.to_string();
        let decoded = decode_server(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert!(!matches!(decoded, ServerMessage::Unknown { .. }), "{}", text);
        let again = decode_server(&wire::server_text(&decoded)).ok();
        prop_assert_eq!(again, Some(decoded));
    }

    #[test]
    fn push_is_appended_after_existing_bytes(
        message in message("Push"), seq: u64, before in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let text = format!("{{\"seq\":0,{}", &message.to_string()[1..]);
        let Ok(ServerMessage::Push { push, .. }) = decode_server(&text) else {
            return Err(TestCaseError::fail(format!("no push: {text}")));
        };
        let mut out = before.clone();
        frame_text(Some(seq), &encode_push(&push), &mut out);
        prop_assert_eq!(&out[..before.len()], &before[..]);
        let written = std::str::from_utf8(&out[before.len()..]).expect("JSON is UTF-8");
        prop_assert_eq!(decode_server(written).ok(), Some(ServerMessage::Push { seq, push }));
    }

    #[test]
    fn application_data_passes_byte_for_byte(
        data in from_schema::any_json(), gap in "[ \t\r\n]{0,3}", pretty: bool,
    ) {
        let data = if pretty { format!("{data:#}") } else { data.to_string() };
        let text = format!(
            r#"{{"id":1,"signal":{{"room":"r","type":"t","data":{gap}{data}{gap},"ref":"x"}}}}"#
        );
        let decoded = decode_client(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let ClientMessage::Request(request) = &decoded else { unreachable!("it has an id") };
        let Command::Signal(signal) = &request.command else { unreachable!("it is a signal") };
        prop_assert_eq!(signal.data.as_json(), &data);
        prop_assert!(wire::client_text(&decoded).contains(&data));
        prop_assert_eq!(Data::from_json(data).ok(), Some(signal.data.clone()));
    }

    #[test]
    fn decoding_any_text_never_panics(text in any::<String>()) {
        let _ = (decode_client(&text), decode_server(&text));
    }

    #[test]
    fn decoding_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = (decode_client(&text), decode_server(&text));
    }

    #[test]
    fn decoding_any_json_never_panics_and_is_answered(value in from_schema::any_json()) {
        let text = value.to_string();
        if let Err(error) = decode_client(&text) {
            prop_assert!(!error.to_error().message.is_empty());
        }
        let _ = decode_server(&text);
    }

    #[test]
    fn a_command_over_any_json_is_refused_naming_the_command(
        name in prop::sample::select(Command::NAMES), body in from_schema::any_json(), id: u32,
    ) {
        let text = format!("{{\"{name}\":{body},\"id\":{id}}}");
        if let Err(error) = decode_client(&text) {
            prop_assert_eq!(error.id(), Some(id), "{}", text);
            prop_assert!(error.to_string().contains(name), "{}: {}", error, text);
        }
    }
}
