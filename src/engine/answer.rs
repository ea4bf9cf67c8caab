//! What a call of the engine returns: a future that may have its result already.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;

/// The result of a call of the engine. The call is made before this is returned; dropping the answer does not undo it.
///
/// An engine of one process answers at once, and pays neither an allocation nor a wake-up for that.
#[must_use = "the engine may have refused it"]
pub enum Answer<T> {
    /// The result; `None` once it was taken.
    Ready(Option<T>),
    /// The result comes from elsewhere.
    Pending(BoxFuture<'static, T>),
}

impl<T> Answer<T> {
    /// An answer that is there.
    pub const fn ready(result: T) -> Self {
        Self::Ready(Some(result))
    }

    /// An answer that has to be waited for.
    pub fn pending(result: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Pending(Box::pin(result))
    }

    /// The answer that `map` makes of this one.
    pub fn map<U: Send + 'static>(self, map: impl FnOnce(T) -> U + Send + 'static) -> Answer<U>
    where
        T: 'static,
    {
        match self {
            Self::Ready(result) => Answer::Ready(result.map(map)),
            Self::Pending(result) => Answer::pending(async move { map(result.await) }),
        }
    }

    /// The result if it is there, else the future that gives it.
    ///
    /// # Errors
    /// The future, where the result has to be waited for.
    ///
    /// # Panics
    /// When the result was taken before.
    pub fn now_or_later(self) -> Result<T, BoxFuture<'static, T>> {
        match self {
            Self::Ready(result) => Ok(result.expect("an answer is taken once")),
            Self::Pending(result) => Err(result),
        }
    }
}

impl<T> Unpin for Answer<T> {}

impl<T> Future for Answer<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut *self {
            Self::Ready(result) => Poll::Ready(result.take().expect("an answer is taken once")),
            Self::Pending(result) => result.as_mut().poll(context),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(result) => f.debug_tuple("Ready").field(result).finish(),
            Self::Pending(_) => f.write_str("Pending(..)"),
        }
    }
}
