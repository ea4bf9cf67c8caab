//! What to do after a connection ended or an attempt failed. Pure.
//!
//! The `disconnect` decides, otherwise the hundreds digit of the close code; after a broken socket the client resumes.
//! Not here: reconnecting (`reconnector`), and the length of waits (`backoff`).

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use stagedoor_proto::{Action, Disconnect, Error};

use crate::{Cause, ConnectError, DialError, Disconnected};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Repeat the last kind of attempt.
    Again(Wait),
    /// The session cannot be resumed: start again with the current credentials.
    Start(Wait),
    /// Get new credentials, then start again.
    Reauth(Wait),
    /// Do not reconnect.
    End,
}

/// How long to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all for the first attempt.
    AtOnce,
    /// With jitter, at least as long as the gateway demands.
    Backoff(Option<Duration>),
}

impl Next {
    /// What to do after a connection ended like this.
    pub(crate) fn after_end(end: &Disconnected) -> Self {
        match (end.cause, &end.disconnect, end.close_code) {
            // The server would send the same invalid message again.
            (Cause::Detached | Cause::Malformed, _, _) => Self::End,
            (_, Some(disconnect), _) => Self::after_disconnect(disconnect),
            (_, None, Some(code)) => Self::after_code(code),
            // The gateway would close a silent connection with `heartbeat_lost`.
            (Cause::Silent, None, None) => Self::Again(Wait::AtOnce),
            (Cause::Closed | Cause::Lost | Cause::Overflow, None, None) => {
                Self::Again(Wait::Backoff(None))
            }
        }
    }

    /// What to do after an attempt failed like this.
    pub(crate) fn after_failure(error: &ConnectError) -> Self {
        match error {
            ConnectError::Dial(DialError::InvalidUrl { .. })
            | ConnectError::Incomplete(_)
            | ConnectError::Protocol(_) => Self::End,
            ConnectError::Dial(DialError::Refused { retry_after, .. }) => {
                Self::Again(Wait::Backoff(*retry_after))
            }
            // All other dial errors may be temporary: a proxy restarts, a certificate is renewed.
            ConnectError::Dial(_)
            | ConnectError::Timeout(_)
            | ConnectError::Lost { close_code: None } => Self::Again(Wait::Backoff(None)),
            ConnectError::Lost { close_code: Some(code) } => Self::after_code(*code),
            ConnectError::Refused { disconnect: Some(disconnect), .. }
            | ConnectError::Disconnected(disconnect) => Self::after_disconnect(disconnect),
            ConnectError::Refused { error, disconnect: None } => Self::after_refusal(error),
        }
    }

    fn after_disconnect(disconnect: &Disconnect) -> Self {
        let hint = disconnect.retry_after_ms.map(Duration::from_millis);
        Self::of(disconnect.action, true, hint)
    }

    fn after_code(code: u16) -> Self {
        Self::of(Action::of(code), RESUME_CODES.contains(&code), None)
    }

    /// `is_requested` says whether the gateway asked for the resume, and not a proxy or a broken connection.
    fn of(action: Action, is_requested: bool, hint: Option<Duration>) -> Self {
        let at_once = hint.map_or(Wait::AtOnce, |hint| Wait::Backoff(Some(hint)));
        match action {
            Action::Stop => Self::End,
            Action::Reauth => Self::Reauth(at_once),
            Action::Retry => Self::Again(Wait::Backoff(hint)),
            Action::Resume if is_requested => Self::Again(at_once),
            Action::Resume => Self::Again(Wait::Backoff(hint)),
            Action::Start => Self::Start(at_once),
        }
    }

    /// For an error reply whose `disconnect` was lost.
    fn after_refusal(error: &Error) -> Self {
        let hint = error.retry_after_ms.map(Duration::from_millis);
        Self::of(error.code.action(), false, hint)
    }
}

/// The close codes that ask a client to resume.
const RESUME_CODES: std::ops::RangeInclusive<u16> = 4300..=4399;

#[cfg(test)]
mod tests {
    use super::*;
    use stagedoor_proto::{CloseCode, ErrorCode};

    const SOON: Wait = Wait::Backoff(None);
    const LATER: Wait = Wait::Backoff(Some(Duration::from_millis(700)));

    #[test]
    fn unknown_close_codes_act_by_their_hundreds_digit() {
        for (code, hint, expected) in [
            (1000, None, Next::End),
            (4010, None, Next::End),
            (4013, Some(700), Next::End),
            (4016, None, Next::End),
            (4099, None, Next::End),
            (4500, None, Next::End),
            (4599, None, Next::End),
            (4100, None, Next::Reauth(Wait::AtOnce)),
            (4199, None, Next::Reauth(Wait::AtOnce)),
            (4200, Some(700), Next::Again(LATER)),
            (4201, None, Next::Again(SOON)),
            (4299, Some(700), Next::Again(LATER)),
            (4300, None, Next::Again(Wait::AtOnce)),
            (4300, Some(700), Next::Again(LATER)),
            (4399, None, Next::Again(Wait::AtOnce)),
            (4400, None, Next::Start(Wait::AtOnce)),
            (4499, Some(700), Next::Start(LATER)),
        ] {
            let mut disconnect = Disconnect::new(CloseCode::try_from(code).unwrap());
            disconnect.retry_after_ms = hint;
            let end = Disconnected {
                disconnect: Some(disconnect.clone()),
                close_code: Some(code),
                cause: Cause::Closed,
            };
            assert_eq!(Next::after_end(&end), expected, "{code}");
            let refused = ConnectError::Disconnected(Box::new(disconnect));
            assert_eq!(Next::after_failure(&refused), expected, "{code}");
            if hint.is_none() {
                let end = Disconnected { disconnect: None, ..end };
                assert_eq!(Next::after_end(&end), expected, "{code}, without a word");
                let lost = ConnectError::Lost { close_code: Some(code) };
                assert_eq!(Next::after_failure(&lost), expected, "{code}, without a word");
            }
        }
    }

    #[test]
    fn what_no_gateway_said_is_resumed_with_jitter() {
        for (cause, close_code, expected) in [
            (Cause::Lost, None, Next::Again(SOON)),
            (Cause::Closed, None, Next::Again(SOON)),
            (Cause::Closed, Some(1001), Next::Again(SOON)),
            (Cause::Closed, Some(1012), Next::Again(SOON)),
            (Cause::Overflow, None, Next::Again(SOON)),
            (Cause::Silent, None, Next::Again(Wait::AtOnce)),
            (Cause::Malformed, None, Next::End),
            (Cause::Detached, None, Next::End),
        ] {
            let end = Disconnected { disconnect: None, close_code, cause };
            assert_eq!(Next::after_end(&end), expected, "{cause:?} {close_code:?}");
        }
    }

    #[test]
    fn an_attempt_that_fails_is_made_again_unless_it_cannot_succeed() {
        let refused = |code| ConnectError::Refused {
            error: Error::new(code, "").retry_after(Duration::from_millis(700)),
            disconnect: None,
        };
        let http =
            DialError::Refused { status: 503, retry_after: Some(Duration::from_millis(700)) };
        for (error, expected) in [
            (ConnectError::Timeout(Duration::ZERO), Next::Again(SOON)),
            (ConnectError::Lost { close_code: None }, Next::Again(SOON)),
            (http.into(), Next::Again(LATER)),
            (ConnectError::Protocol(String::new()), Next::End),
            (refused(ErrorCode::Draining), Next::Again(LATER)),
            (refused(ErrorCode::ResumeDenied), Next::Start(LATER)),
            (refused(ErrorCode::TokenRevoked), Next::Reauth(LATER)),
            (refused(ErrorCode::Banned), Next::End),
        ] {
            assert_eq!(Next::after_failure(&error), expected, "{error}");
        }
    }
}
