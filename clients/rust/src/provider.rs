//! The source of new credentials: the sign-in of the program.

use futures::future::BoxFuture;
use stagedoor_proto::{Credentials, Data, Secret, Timestamp};

/// A source of new credentials for the user of a session.
///
/// An async closure that returns credentials is a provider: `|| async { Some(Credentials::Token(sign_in().await?)) }`.
///
/// # Cancel safety
/// The futures are dropped if the session ends or is detached first.
pub trait CredentialsProvider: Send + Sync {
    /// New credentials, after the gateway rejected the previous ones (41xx); `None` if there are none.
    fn credentials(&self) -> BoxFuture<'static, Option<Credentials>>;

    /// How to renew a token that expires at `expires_at`. Called before that time, and again after it.
    ///
    /// A renewal that the gateway rejects comes as [`Event::RenewalFailed`](crate::Event::RenewalFailed).
    ///
    /// By default: with the token or the params from [`CredentialsProvider::credentials`], without credentials for a
    /// guest, and not at all if there are none.
    fn renewal(&self, expires_at: Timestamp) -> BoxFuture<'static, Renewal> {
        let _ = expires_at;
        let credentials = self.credentials();
        Box::pin(async {
            match credentials.await {
                Some(Credentials::Token(token)) => Renewal::WithAuthToken(token),
                Some(Credentials::Params(params)) => Renewal::WithParams(params),
                Some(Credentials::Guest {}) => Renewal::Renew,
                None => Renewal::Unable,
            }
        })
    }
}

/// How to renew the access token.
#[derive(Clone, Debug, PartialEq)]
pub enum Renewal {
    /// The gateway renews the token itself.
    Renew,
    /// Renew with this auth token.
    WithAuthToken(Secret),
    /// Renew with these params, for the app's own auth hook.
    WithParams(Data),
    /// No auth token is available now; the gateway asks again later.
    Unable,
}

impl<F, Fut> CredentialsProvider for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Option<Credentials>> + Send + 'static,
{
    fn credentials(&self) -> BoxFuture<'static, Option<Credentials>> {
        Box::pin(self())
    }
}
