//! How a room that a session manager keeps joined is joined: its token, and the data of the participant.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use stagedoor_proto::Secret;

use crate::LoaderError;

/// The source of a room's tokens, called each time that the client joins the room.
///
/// An async closure that returns a [`Secret`] is a source.
pub trait RoomTokenSource: Send + Sync {
    /// A token of the room, valid now.
    fn token(&self) -> BoxFuture<'static, Result<Secret, LoaderError>>;
}

impl<F, Fut> RoomTokenSource for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<Secret, LoaderError>> + Send + 'static,
{
    fn token(&self) -> BoxFuture<'static, Result<Secret, LoaderError>> {
        Box::pin(self())
    }
}

/// How a room is joined. By default with the grant of the session, and without data.
#[derive(Clone, Default)]
pub struct JoinOptions {
    token: Option<Token>,
    pub(crate) data: Option<String>,
}

#[derive(Clone)]
enum Token {
    Fixed(Secret),
    Source(Arc<dyn RoomTokenSource>),
}

impl JoinOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Joins with this token each time.
    #[must_use]
    pub fn token(self, token: Secret) -> Self {
        Self { token: Some(Token::Fixed(token)), ..self }
    }

    /// Joins with a new token of this source each time, and before the former one expires.
    #[must_use]
    pub fn token_source(self, source: impl RoomTokenSource + 'static) -> Self {
        Self { token: Some(Token::Source(Arc::new(source))), ..self }
    }

    /// The data of the participant, visible to all.
    #[must_use]
    pub fn data(self, data: impl Into<String>) -> Self {
        Self { data: Some(data.into()), ..self }
    }

    /// Whether another token can be had.
    pub(crate) const fn has_source(&self) -> bool {
        matches!(self.token, Some(Token::Source(_)))
    }

    /// The token to join with, if there is one.
    pub(crate) async fn next_token(&self) -> Result<Option<Secret>, LoaderError> {
        match &self.token {
            None => Ok(None),
            Some(Token::Fixed(token)) => Ok(Some(token.clone())),
            Some(Token::Source(source)) => source.token().await.map(Some),
        }
    }
}

impl fmt::Debug for JoinOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("JoinOptions").field("token", &token).field("data", &self.data).finish()
    }
}
