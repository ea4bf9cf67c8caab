//! Bytes of a client into frames, messages and commands.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use stagedoor_fuzz::{Target, run};
use stagedoor_proto::{ClientMessage, DecodeError, decode_client};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use super::connection::websocket;
use super::frame::InputMeter;
use super::settings::Settings;
use crate::hub::MessageShare;
use crate::rate_limit::Rate;
use crate::telemetry::Metrics;

const SETTINGS: Settings = Settings {
    start_timeout: Duration::from_secs(10),
    message_bytes: 4 * 1024,
    fragments_per_message: 4,
    pings: Rate::per_second(10, 50),
    auth_params_bytes: 1024,
};

/// What a text comes to, without its contents.
fn decoded(text: &str) -> String {
    match decode_client(text) {
        Ok(ClientMessage::Request(request)) => request.command.name().to_owned(),
        Ok(ClientMessage::Pong(_)) => "pong".to_owned(),
        Err(error) => {
            let kind = match &error {
                DecodeError::UnknownCommand { .. } => "unknown",
                DecodeError::Malformed { .. } => "malformed",
                DecodeError::InvalidArgument { .. } => "invalid argument",
                DecodeError::TooDeep { .. } => "too deep",
            };
            assert!(
                error.to_string().len() < text.len() + 1_024,
                "an error repeats no more than its input"
            );
            // Without the values that it quotes.
            let words: String =
                error.to_string().chars().filter(char::is_ascii_alphabetic).take(24).collect();
            format!("{kind} {} {words}", error.id().is_some())
        }
    }
}

#[test]
fn fuzz_client_messages() {
    let target = Target {
        name: "client_messages",
        seeds: &[
            br#"{"id":1,"start":{"app":"demo","username":"ada","instance":"instance-1","credentials":{"guest":{}}}}"#,
            br#"{"id":2,"join":{"room":"lobby","token":"a.b.c"}}"#,
            br#"{"id":3,"signal":{"room":"lobby","type":"chat","data":{"a":[1,2.5,"x"]}}}"#,
            br#"{"pong":{"seq":41}}"#,
        ],
        dictionary: &[
            "\"id\":", "\"room\":\"lobby\"", "\"data\":", "\"resume\":{", "\"renew\":{", "\"publish\":{",
            "\"stream\":", "\"kind\":\"audio\"", "null", "true", "1e400", "18446744073709551616", "-0",
            "\\u0000", "\\ud800", "[[[[[[[[", "{\"a\":", "}}", "\u{202e}", "é",
        ],
        max_len: 2_048,
    };
    run(target, |bytes| decoded(&String::from_utf8_lossy(bytes)));
}

#[test]
fn fuzz_client_frames() {
    let target = Target {
        name: "client_frames",
        seeds: &[
            b"\x81\x93\0\0\0\0{\"pong\":{\"seq\":41}}",
            b"\x01\x84\0\0\0\0{\"po\x89\x80\0\0\0\0\x80\x8f\0\0\0\0ng\":{\"seq\":41}}",
            b"\x88\x82\0\0\0\0\x03\xe8",
            b"\x82\xfe\0\x80\0\0\0\0",
        ],
        dictionary: &["\u{0}\u{0}\u{0}\u{0}", "{\"id\":1,\"renew\":{}}"],
        max_len: 1_024,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let metrics = Arc::new(Metrics::new());
    run(target, |bytes| {
        // What came with the upgrade request, and what came later.
        let split = bytes.first().map_or(0, |byte| usize::from(*byte) % (bytes.len() + 1));
        let (early, late) = bytes.split_at(split);
        let (mut behaviour, texts) = runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(64 * 1024);
            client.write_all(late).await.unwrap();
            client.shutdown().await.unwrap();
            let share = MessageShare::alone();
            let mut ws = websocket(server, early.to_vec(), SETTINGS, share, &metrics);
            let (mut behaviour, mut texts) = (Vec::new(), 0);
            while let Some(message) = ws.next().await {
                behaviour.push(match message {
                    Ok(Message::Text(text)) => {
                        assert!(text.len() <= SETTINGS.max_message_bytes());
                        texts += 1;
                        decoded(&text)
                    }
                    Ok(Message::Binary(_)) => "binary".to_owned(),
                    Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {
                        "control".to_owned()
                    }
                    Ok(Message::Close(_)) => "close".to_owned(),
                    Err(_) => format!("error {:?}", ws.get_ref().excess()),
                });
            }
            (behaviour, texts)
        });
        // However the bytes arrive, the same frame is too many, and no message that has it is seen.
        let whole = InputMeter::new(SETTINGS.fragments_per_message).pass(bytes, |_| true);
        let mut meter = InputMeter::new(SETTINGS.fragments_per_message);
        let split_meter = meter.pass(early, |_| true).and_then(|()| meter.pass(late, |_| true));
        assert_eq!(whole.is_err(), split_meter.is_err());
        if let Err(flood) = whole {
            assert!(texts <= flood.accepted / 6, "a message takes at least six bytes");
        }
        // Longer runs are no other behaviour.
        behaviour.truncate(3);
        behaviour
    });
}
