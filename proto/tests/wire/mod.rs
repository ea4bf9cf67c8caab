//! Encodes messages as texts, for the tests of this crate.

use stagedoor_proto::{
    ClientMessage, ServerMessage, encode_disconnect, encode_ping, encode_push, encode_reply,
    frame_text,
};

pub(crate) fn client_text(message: &ClientMessage) -> String {
    serde_json::to_string(message).expect("messages have a JSON form")
}

pub(crate) fn server_text(message: &ServerMessage) -> String {
    let mut out = Vec::new();
    match message {
        ServerMessage::Reply { id, seq, result } => {
            frame_text(*seq, &encode_reply(*id, result), &mut out);
        }
        ServerMessage::Push { seq, push } => frame_text(Some(*seq), &encode_push(push), &mut out),
        ServerMessage::Ping => frame_text(None, encode_ping(), &mut out),
        ServerMessage::Disconnect(disconnect) => {
            frame_text(None, &encode_disconnect(disconnect), &mut out);
        }
        // Decoding preserves only the number of an unknown push.
        ServerMessage::Unknown { seq } => return format!("{{\"seq\":{seq}}}"),
    }
    String::from_utf8(out).expect("JSON is UTF-8")
}
