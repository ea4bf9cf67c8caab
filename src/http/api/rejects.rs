//! Problems that a call can get before its handler runs.
//!
//! They follow from the handler's extractors, each of which lists its own. The route's description adds those of the
//! handler.

use axum::extract::State;
use hyper::HeaderMap;

use crate::http::problem::ProblemKind;

/// An extractor, and the kinds of problems with which it rejects a call.
pub(super) trait Rejects {
    fn problems() -> Vec<ProblemKind>;
}

impl<T> Rejects for State<T> {
    fn problems() -> Vec<ProblemKind> {
        Vec::new()
    }
}

impl Rejects for HeaderMap {
    fn problems() -> Vec<ProblemKind> {
        Vec::new()
    }
}

/// The extractors of a handler in axum's form: a marker `M`, then each.
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
