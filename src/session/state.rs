//! The states of a session and their transitions.
//!
//! One row per transition; other inputs have no effect in a state. Source: `docs/protocol.md`, "Session states".

use stagedoor_proto::SessionState::{
    self, Established, Establishing, NotLoggedIn, Terminated, TokenExpired,
};

/// An input of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// The client sent `start`.
    Start,
    /// The user was authenticated and is not blocked.
    Admitted,
    /// Authentication failed, or the hook did not answer.
    Refused,
    /// The user is banned or deleted.
    Barred,
    /// The token was renewed.
    Renewed,
    /// The token expired.
    Expired,
    /// The client ended the session, or its resume window or grace period passed.
    Over,
    /// Ended by a ban, a deletion, an app-wide kick, a newer session or an operator.
    Removed,
}

/// The state after `input`; `None` if `input` has no effect in `state`.
#[must_use]
pub(super) const fn next(state: SessionState, input: Input) -> Option<SessionState> {
    match (state, input) {
        (NotLoggedIn | Terminated, Input::Start) => Some(Establishing),
        (Establishing, Input::Admitted) => Some(Established),
        (Establishing, Input::Refused | Input::Over) => Some(NotLoggedIn),
        (Establishing, Input::Barred | Input::Removed) => Some(Terminated),
        (Established, Input::Expired) => Some(TokenExpired),
        (TokenExpired, Input::Renewed) => Some(Established),
        (Established | TokenExpired, Input::Over) => Some(NotLoggedIn),
        (Established | TokenExpired, Input::Removed | Input::Barred) => Some(Terminated),
        // A renewal before expiry changes no state, so that other clients see no flapping.
        (Established, Input::Renewed | Input::Start | Input::Admitted | Input::Refused)
        | (TokenExpired, Input::Expired | Input::Start | Input::Admitted | Input::Refused)
        | (Establishing, Input::Start | Input::Renewed | Input::Expired)
        | (
            NotLoggedIn | Terminated,
            Input::Admitted
            | Input::Refused
            | Input::Barred
            | Input::Renewed
            | Input::Expired
            | Input::Over
            | Input::Removed,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [SessionState; 5] =
        [NotLoggedIn, Establishing, Established, TokenExpired, Terminated];
    const INPUTS: [Input; 8] = [
        Input::Start,
        Input::Admitted,
        Input::Refused,
        Input::Barred,
        Input::Renewed,
        Input::Expired,
        Input::Over,
        Input::Removed,
    ];

    #[test]
    fn only_the_documented_transitions_exist() {
        let allowed = [
            (NotLoggedIn, Establishing),
            (Terminated, Establishing),
            (Establishing, Established),
            (Establishing, NotLoggedIn),
            (Establishing, Terminated),
            (Established, TokenExpired),
            (Established, NotLoggedIn),
            (Established, Terminated),
            (TokenExpired, Established),
            (TokenExpired, NotLoggedIn),
            (TokenExpired, Terminated),
        ];
        let mut seen = Vec::new();
        for state in STATES {
            for input in INPUTS {
                if let Some(to) = next(state, input) {
                    assert!(
                        allowed.contains(&(state, to)),
                        "{state:?} on {input:?} went to {to:?}"
                    );
                    seen.push((state, to));
                }
            }
        }
        for pair in allowed {
            assert!(seen.contains(&pair), "nothing leads {pair:?}");
        }
    }

    #[test]
    fn established_needs_admission_or_renewal() {
        for state in STATES {
            for input in INPUTS {
                if next(state, input) == Some(Established) {
                    assert!(matches!(
                        (state, input),
                        (Establishing, Input::Admitted) | (TokenExpired, Input::Renewed)
                    ));
                }
            }
        }
    }
}
