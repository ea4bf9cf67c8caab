//! Checks of the common claims: issuer, audience, scope and validity period.

use stagedoor_proto::Timestamp;

use super::claims::Audience;
use super::{Claims, LEEWAY, TokenError, TokenKind};

/// A token that passed every check.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedToken<T> {
    pub claims: T,
    /// `iat`, if the token has one.
    pub issued: Option<Timestamp>,
    /// `exp`.
    pub expires: Timestamp,
}

/// The expected values of the common claims.
pub(in crate::auth) struct Expected<'a> {
    /// The value of `iss`.
    pub issuer: &'a str,
    /// A member of `aud`.
    pub audience: &'a str,
    /// The value of `scope`; `None` for a foreign issuer, which has no scopes of ours.
    pub kind: Option<TokenKind>,
    pub now: Timestamp,
}

impl Expected<'_> {
    /// Checks the common claims, then reads the claims of the kind.
    pub(in crate::auth) fn check<T>(
        &self,
        claims: &Claims,
        read: impl FnOnce(&Claims) -> Result<T, TokenError>,
    ) -> Result<VerifiedToken<T>, TokenError> {
        if claims.required::<String>("iss")? != self.issuer {
            return Err(TokenError::WrongIssuer { expected: self.issuer.into() });
        }
        if !claims.required::<Audience>("aud")?.contains(self.audience) {
            return Err(TokenError::WrongAudience { expected: self.audience.into() });
        }
        if let Some(expected) = self.kind
            && claims.required::<String>("scope")? != expected.as_str()
        {
            return Err(TokenError::WrongKind { expected });
        }
        let (issued, expires) = self.times(claims)?;
        Ok(VerifiedToken { claims: read(claims)?, issued, expires })
    }

    fn times(&self, claims: &Claims) -> Result<(Option<Timestamp>, Timestamp), TokenError> {
        let expires = claims.required::<Timestamp>("exp")?;
        let not_before = claims.optional::<Timestamp>("nbf")?;
        let issued = claims.optional::<Timestamp>("iat")?;
        if expires <= self.now {
            return Err(TokenError::Expired);
        }
        for (claim, at) in [("nbf", not_before), ("iat", issued)] {
            if at.is_some_and(|at| at > self.now + LEEWAY) {
                return Err(TokenError::NotYetValid { claim });
            }
        }
        if let Some((kind, max)) = self.kind.and_then(|kind| Some((kind, kind.max_lifetime()?))) {
            let issued = issued.ok_or_else(|| TokenError::MissingClaim { claim: "iat".into() })?;
            if expires.saturating_since(issued) > max {
                return Err(TokenError::TooLongLived { kind, max });
            }
        }
        Ok((issued, expires))
    }
}
