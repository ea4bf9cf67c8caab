//! The answer of an engine call: a future that may be ready at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;

/// The answer of an engine call. The call is made before this is returned; dropping the answer does not cancel it.
///
/// An engine of one process answers at once, without an allocation or a wake-up.
#[must_use = "the engine may have refused it"]
pub enum Answer<T> {
    /// The result; `None` after it was taken.
    Ready(Option<T>),
    /// The result is pending.
    Pending(BoxFuture<'static, T>),
}

impl<T> Answer<T> {
    /// A ready answer.
    pub const fn ready(result: T) -> Self {
        Self::Ready(Some(result))
    }

    /// A pending answer.
    pub fn pending(result: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Pending(Box::pin(result))
    }

    /// Applies `map` to the result.
    pub fn map<U: Send + 'static>(self, map: impl FnOnce(T) -> U + Send + 'static) -> Answer<U>
    where
        T: 'static,
    {
        match self {
            Self::Ready(result) => Answer::Ready(result.map(map)),
            Self::Pending(result) => Answer::pending(async move { map(result.await) }),
        }
    }

    /// The result if it is ready, otherwise the future of the result.
    ///
    /// # Errors
    /// The future, if the result is pending.
    ///
    /// # Panics
    /// If the result was taken before.
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
