//! The handshake of a session: a start in progress, as a type that the decision consumes.
//!
//! [`Establishing`] is the only way to a [`Session`] and to the push of a rejected start. Answering the start consumes
//! it, so a start is never answered twice, and a rejected start never creates a session.

use std::sync::Arc;

use stagedoor_proto::{
    Disconnect, Push, SessionEnd, SessionState, SessionStateChange, Timestamp, encode_push,
};

use super::super::secret::SecretHash;
use super::super::state::{Input, next};
use super::{ESTABLISHING_SEQ, ESTABLISHING_VERSION, Session, SessionSettings};
use crate::time::Now;

/// A start in progress, which was announced to the client.
#[derive(Debug)]
#[must_use = "a start is established or rejected"]
pub struct Establishing(());

/// A push that is sent before the session exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakePush {
    pub seq: u64,
    /// The body, without the head.
    pub body: Vec<u8>,
}

impl Establishing {
    /// Begins a start. Returns the push that announces it.
    pub fn begin() -> (Self, HandshakePush) {
        let state = after(SessionState::NotLoggedIn, Input::Start);
        (Self(()), state_push(ESTABLISHING_SEQ, state, ESTABLISHING_VERSION, None))
    }

    /// The session of a successful start, on the connection of `generation`. Its first frame is `established`.
    ///
    /// A claim that another node fences is repeated with another session. Therefore this method does not consume, and
    /// the caller drops [`Establishing`] once one session is the client's.
    #[must_use]
    pub fn session(
        &self,
        generation: u64,
        secret: SecretHash,
        expires: Timestamp,
        now: Now,
        settings: Arc<SessionSettings>,
    ) -> Session {
        Session::established(generation, secret, expires, now, settings)
    }

    /// The push of a rejected start; for a blocked user the state is final.
    #[must_use]
    pub fn refuse(self, disconnect: &Disconnect) -> HandshakePush {
        let input = match disconnect.code.session_end() {
            SessionEnd::Barred => Input::Barred,
            SessionEnd::LoggedOut | SessionEnd::Removed => Input::Refused,
        };
        let state = after(SessionState::Establishing, input);
        state_push(ESTABLISHING_SEQ + 1, state, ESTABLISHING_VERSION + 1, Some(disconnect))
    }
}

fn after(state: SessionState, input: Input) -> SessionState {
    next(state, input).expect("a start can be asked for, and then be refused")
}

fn state_push(
    seq: u64,
    state: SessionState,
    version: u64,
    why: Option<&Disconnect>,
) -> HandshakePush {
    let change = SessionStateChange {
        state,
        version,
        code: why.map(|why| why.code),
        reason: why.map(|why| why.reason.clone()),
    };
    HandshakePush { seq, body: encode_push(&Push::SessionState(change)) }
}

#[cfg(test)]
mod tests {
    use stagedoor_proto::CloseCode;

    use super::*;

    fn refused(code: CloseCode) -> String {
        let (establishing, first) = Establishing::begin();
        assert_eq!(first.seq, 1);
        let push = establishing.refuse(&Disconnect::new(code));
        assert_eq!(push.seq, 2);
        String::from_utf8(push.body).unwrap()
    }

    #[test]
    fn refused_start_ends_in_the_state_of_its_close_code() {
        for (code, state) in [
            (CloseCode::AuthDenied, "notLoggedIn"),
            (CloseCode::Draining, "notLoggedIn"),
            (CloseCode::Replaced, "notLoggedIn"),
            (CloseCode::Banned, "terminated"),
            (CloseCode::Kicked, "terminated"),
            (CloseCode::UserDeleted, "terminated"),
        ] {
            let body = refused(code);
            assert!(body.contains(&format!(r#""state":"{state}""#)), "{code:?}: {body}");
            assert!(body.contains(r#""version":2"#), "{body}");
        }
    }
}
