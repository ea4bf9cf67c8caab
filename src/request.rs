//! The one id by which a request is known: in the log, to an app's auth webhook, and in what an app's servers are told.
//!
//! Pure. It goes with whatever a request leads to, through rooms' logs and into webhooks' messages; what nobody asked for
//! (time, lost connections) has none. Not here: which facts are told with it (`hub`).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::SessionId;

/// The HTTP header in which it is told, both ways.
pub const HEADER: &str = "x-request-id";

/// A request, as it is named wherever something follows from it.
///
/// Shape as text: `AAAAAAAAAAAAAAAAAAAAAQ:7`, a session and the number its client picked; of a call of the server API its
/// `x-request-id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestId {
    /// A request of a session; its `start` is one.
    Session {
        /// The session.
        session: SessionId,
        /// The number its client picked.
        number: u32,
    },
    /// A call of the server API, as its caller named it or else as it was named here.
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
