//! The states of a session and what moves it between them.
//!
//! One row a transition; `None` where an input means nothing in a state. Source: `docs/protocol.md`, "Session states".

use stagedoor_proto::SessionState::{
    self, Established, Establishing, NotLoggedIn, Terminated, TokenExpired,
};

/// What can happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A start was asked for.
    Start,
    /// The credentials were good and nothing bars the user.
    LetIn,
    /// The credentials were refused, or the hook gave no answer.
    Refused,
    /// The user is banned or deleted.
    Barred,
    /// The token was renewed.
    Renewed,
    /// The token ran out.
    Expired,
    /// The client ended the session, or its window or grace passed.
    Over,
    /// Somebody else ended it: a ban, a deletion, an app-wide kick, a newer session, an operator.
    Removed,
}

/// The state after `input`; `None` when `input` changes nothing in `state`.
#[must_use]
pub(super) const fn next(state: SessionState, input: Input) -> Option<SessionState> {
    match (state, input) {
        (NotLoggedIn | Terminated, Input::Start) => Some(Establishing),
        (Establishing, Input::LetIn) => Some(Established),
        (Establishing, Input::Refused | Input::Over) => Some(NotLoggedIn),
        (Establishing, Input::Barred | Input::Removed) => Some(Terminated),
        (Established, Input::Expired) => Some(TokenExpired),
        (TokenExpired, Input::Renewed) => Some(Established),
        (Established | TokenExpired, Input::Over) => Some(NotLoggedIn),
        (Established | TokenExpired, Input::Removed | Input::Barred) => Some(Terminated),
        // A renewal in time shows nowhere: no flap.
        (Established, Input::Renewed | Input::Start | Input::LetIn | Input::Refused)
        | (TokenExpired, Input::Expired | Input::Start | Input::LetIn | Input::Refused)
        | (Establishing, Input::Start | Input::Renewed | Input::Expired)
        | (
            NotLoggedIn | Terminated,
            Input::LetIn
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
        Input::LetIn,
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
                        (Establishing, Input::LetIn) | (TokenExpired, Input::Renewed)
                    ));
                }
            }
        }
    }
}
