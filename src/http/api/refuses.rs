//! How a call may be refused before its handler runs.
//!
//! That follows from what the handler takes: each such type says so itself, and no route has to. What the handler
//! refuses is for the route's description to say.

use axum::extract::State;

use crate::http::problem::Kind;

/// What a handler takes from a call, and as what kinds of problem the call is refused where it is not there.
pub(super) trait Refuses {
    /// Those kinds.
    fn kinds() -> Vec<Kind>;
}

impl<T> Refuses for State<T> {
    fn kinds() -> Vec<Kind> {
        Vec::new()
    }
}

/// All that a handler takes, as axum has it: a marker `M`, then each.
macro_rules! refuses_as_each {
    ($($taken:ident)*) => {
        impl<M, $($taken: Refuses),*> Refuses for (M, $($taken,)*) {
            fn kinds() -> Vec<Kind> {
                [$($taken::kinds()),*].concat()
            }
        }
    };
}
refuses_as_each!(A);
refuses_as_each!(A B);
refuses_as_each!(A B C);
refuses_as_each!(A B C D);
refuses_as_each!(A B C D E);
