//! The session loader: the source of a session for calls that need one.

use futures::future::BoxFuture;

use crate::StartWith;

/// An error of a loader.
pub type LoaderError = Box<dyn std::error::Error + Send + Sync>;

/// Says how to start a session, when one is needed and there is none.
///
/// An async closure that returns a [`StartWith`] is a loader.
pub trait SessionLoader: Send + Sync {
    /// With what to start the session. Callers that need one at the same time share a call.
    fn load(&self) -> BoxFuture<'static, Result<StartWith, LoaderError>>;
}

impl<F, Fut> SessionLoader for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<StartWith, LoaderError>> + Send + 'static,
{
    fn load(&self) -> BoxFuture<'static, Result<StartWith, LoaderError>> {
        Box::pin(self())
    }
}
