//! Request ids: one id for a request in the log, in the app's auth webhook and in webhook messages.
//!
//! Pure. All effects of a request have its id, through rooms' logs and into webhook messages. Effects of timers and
//! lost connections have none. Not here: which events have an id (`hub`).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::SessionId;

/// The HTTP header that carries the id, in requests and responses.
pub const HEADER: &str = "x-request-id";

/// The id of a request, which all its effects have.
///
/// Shape as text: `AAAAAAAAAAAAAAAAAAAAAQ:7`, a session and the id that its client chose; for a call of the server
/// API, its `x-request-id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestId {
    /// A request of a session, including its `start`.
    Session {
        session: SessionId,
        /// The id that the client chose.
        number: u32,
    },
    /// A call of the server API: the id from its caller, otherwise a generated one.
    Call(Arc<str>),
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { session, number } => write!(f, "{session}:{number}"),
            Self::Call(id) => f.write_str(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_text_and_comes_back_out_of_a_log() {
        let session = SessionId::from_bits(1);
        for (request, text) in [
            (RequestId::Session { session, number: 7 }, "AAAAAAAAAAAAAAAAAAAAAQ:7"),
            (RequestId::Call("abc".into()), "abc"),
        ] {
            assert_eq!(request.to_string(), text);
            let logged = serde_json::to_string(&request).unwrap();
            assert_eq!(serde_json::from_str::<RequestId>(&logged).unwrap(), request);
        }
    }
}
