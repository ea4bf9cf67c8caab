//! Events and the body of a webhook message.

use serde::Serialize;
use serde_json::Value;
use stagedoor_proto::{RoomId, Timestamp};

use crate::event_type::EventType;
use crate::outbound::MessageId;
use crate::request::RequestId;

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: EventType,
    pub at: Timestamp,
    /// The room and the version of its log entry, for an event of a room.
    pub room: Option<(RoomId, u64)>,
    /// The request that caused the event. `None`: a timer or a lost connection.
    pub request: Option<RequestId>,
    /// The fields that depend on the type.
    pub data: Value,
    /// The participant's connection data. Only endpoints that enable it receive it.
    pub connection_data: Option<String>,
}

/// The body of a message.
///
/// Shape: `{"id":"msg_…","type":"room.opened","at_ms":1900000000000,"app":"shop","room":"lobby","version":7,
/// "request":"abc","data":{}}`.
#[derive(Serialize)]
struct Body<'a> {
    id: String,
    r#type: EventType,
    at_ms: Timestamp,
    app: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a RoomId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    data: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_data: Option<&'a str>,
}

impl Event {
    /// Serializes the message body.
    pub(super) fn body(&self, id: u128, app: &str, with_connection_data: bool) -> String {
        let connection_data = self.connection_data.as_deref().filter(|_| with_connection_data);
        let body = Body {
            id: MessageId(id).to_string(),
            r#type: self.kind,
            at_ms: self.at,
            app,
            room: self.room.as_ref().map(|(room, _)| room),
            version: self.room.as_ref().map(|(_, version)| *version),
            request: self.request.as_ref().map(ToString::to_string),
            data: &self.data,
            connection_data,
        };
        serde_json::to_string(&body).expect("an event is texts, numbers and JSON")
    }
}
