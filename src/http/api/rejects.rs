//! How a call may be refused before its handler runs.
//!
//! That follows from what the handler takes: each such type says so itself, and no route has to. What the handler
//! refuses is for the route's description to say.

use axum::extract::State;

use crate::http::problem::ProblemKind;

/// What a handler takes from a call, and as what kinds of problem the call is refused where it is not there.
pub(super) trait Rejects {
    /// Those kinds.
    fn problems() -> Vec<ProblemKind>;
}

impl<T> Rejects for State<T> {
    fn problems() -> Vec<ProblemKind> {
        Vec::new()
    }
}

/// All that a handler takes, as axum has it: a marker `M`, then each.
macro_rules! rejects_as_each {
    ($($taken:ident)*) => {
        impl<M, $($taken: Rejects),*> Rejects for (M, $($taken,)*) {
            fn problems() -> Vec<ProblemKind> {
                [$($taken::problems()),*].concat()
            }
        }
    };
}
rejects_as_each!(A);
rejects_as_each!(A B);
rejects_as_each!(A B C);
rejects_as_each!(A B C D);
rejects_as_each!(A B C D E);
