//! Where new credentials come from: the program's own sign-in.

use futures::future::BoxFuture;
use stagedoor_proto::{Credentials, Secret, Timestamp};

/// A source of new credentials for the user of a session.
///
/// An async closure that gives credentials is one: `|| async { Some(Credentials::Token(sign_in().await?)) }`.
///
/// # Cancel safety
/// The futures are dropped when the session ends or is detached before they are done.
pub trait CredentialsProvider: Send + Sync {
    /// New credentials, the former ones being void (41xx); `None` when there are none to be had.
    fn credentials(&self) -> BoxFuture<'static, Option<Credentials>>;

    /// How to prolong a session that ends at `expires_at`, asked in time before that and when it has passed.
    ///
    /// Unless written otherwise: by a token from [`CredentialsProvider::credentials`], by the gateway's own word where
    /// those are no token, and not at all where there are none.
    fn renewal(&self, expires_at: Timestamp) -> BoxFuture<'static, Renewal> {
        let _ = expires_at;
        let credentials = self.credentials();
        Box::pin(async {
            match credentials.await {
                Some(Credentials::Token(token)) => Renewal::WithAuthToken(token),
                Some(Credentials::Guest {} | Credentials::Params(_)) => Renewal::Renew,
                None => Renewal::Unable,
            }
        })
    }
}

/// How a session is to be prolonged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// On the gateway's own word.
    Renew,
    /// With this auth token.
    WithAuthToken(Secret),
    /// No auth token is to be had now; the gateway asks again later.
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
