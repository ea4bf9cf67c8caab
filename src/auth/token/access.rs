//! The gateway's own access tokens.
//!
//! The newest key signs. All verify until their end, so that keys can be rotated without ending sessions. Keys are
//! prepared when they are set: minting costs one serialization and one HMAC.

use std::cmp::Reverse;

use arc_swap::ArcSwap;
use stagedoor_proto::{Secret, Timestamp};

use super::app::Payload;
use super::{AUDIENCE, AccessClaims, Compact, Expected, TokenError, TokenKind, VerifiedToken};
use crate::auth::keys::{MintKey, VerifyKey};
use crate::clock::{Clock, Rng};
use crate::store::SigningKey;

/// Verifies and mints the access tokens of all apps. Keys can be replaced at run time.
pub struct AccessTokens {
    /// Newest first, never empty.
    keys: ArcSwap<Vec<AccessKey>>,
    clock: Clock,
}

struct AccessKey {
    minting: MintKey,
    verifying: VerifyKey,
    until: Option<Timestamp>,
}

impl SigningKey {
    /// A new random key.
    #[must_use]
    pub fn generate(now: Timestamp) -> Self {
        Self {
            kid: format!("gw-{:08x}", u32::from_be_bytes(Rng.bytes())).into(),
            secret: Rng.bytes(),
            created: now,
            until: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("access tokens need at least one signing key")]
pub struct NoSigningKey;

impl AccessTokens {
    /// Signs with the newest of `keys`.
    ///
    /// # Errors
    /// When `keys` is empty.
    pub fn new(keys: &[SigningKey], clock: Clock) -> Result<Self, NoSigningKey> {
        Ok(Self { keys: ArcSwap::from_pointee(prepare(keys)?), clock })
    }

    /// Replaces the keys: the newest of `keys` signs, and only `keys` verify.
    ///
    /// # Errors
    /// When `keys` is empty; the current keys stay.
    pub fn replace(&self, keys: &[SigningKey]) -> Result<(), NoSigningKey> {
        self.keys.store(prepare(keys)?.into());
        Ok(())
    }

    /// Mints a token of `app` that expires at `expires`, rounded down to the second.
    #[must_use]
    pub fn mint(&self, app: &str, claims: &AccessClaims, expires: Timestamp) -> Secret {
        let (scope, iat) = (TokenKind::Access.as_str(), self.clock.wall().as_secs());
        let payload =
            Payload { iss: app, aud: AUDIENCE, scope, iat, exp: expires.as_secs(), claims };
        self.keys.load()[0].minting.mint(&payload)
    }

    /// Verifies an access token of `app`.
    ///
    /// # Errors
    /// Why the token is invalid.
    pub fn read(&self, app: &str, token: &str) -> Result<VerifiedToken<AccessClaims>, TokenError> {
        let keys = self.keys.load();
        let (kind, now) = (Some(TokenKind::Access), self.clock.wall());
        let token = Compact::parse(token)?;
        let is_valid = |key: &&AccessKey| key.until.is_none_or(|until| until > now);
        let by_valid = token.verify(keys.iter().filter(is_valid).map(|key| &key.verifying));
        let claims = by_valid.map_err(|error| {
            let ended = keys.iter().filter(|key| !is_valid(key)).map(|key| &key.verifying);
            if token.verify(ended).is_ok() { TokenError::KeyEnded } else { error }
        })?;
        Expected { issuer: app, audience: AUDIENCE, kind, now }.check(&claims, AccessClaims::read)
    }

    /// Whether a token names one of these keys, so that [`Self::read`] verifies it and no hook.
    #[must_use]
    pub fn is_named_by(&self, token: &str) -> bool {
        let Ok(token) = Compact::parse(token) else { return false };
        token.kid().is_some_and(|kid| {
            self.keys.load().iter().any(|key| key.verifying.matches_kid(Some(kid)))
        })
    }
}

fn prepare(keys: &[SigningKey]) -> Result<Vec<AccessKey>, NoSigningKey> {
    let mut newest_first: Vec<&SigningKey> = keys.iter().collect();
    newest_first.sort_by_key(|key| Reverse(key.created));
    let prepare = |key: &&SigningKey| AccessKey {
        minting: MintKey::new(&key.secret, &key.kid),
        verifying: VerifyKey::hs256(&key.secret, &key.kid),
        until: key.until,
    };
    if newest_first.is_empty() {
        Err(NoSigningKey)
    } else {
        Ok(newest_first.iter().map(prepare).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stagedoor_proto::FamilyId;

    use super::*;
    use crate::auth::CredentialSource;
    use crate::auth::fixtures::{NOW_SECS, clock};
    use crate::grant::Grant;

    fn signing_key(kid: &str, byte: u8, created: u64) -> SigningKey {
        SigningKey {
            kid: kid.into(),
            secret: [byte; 32],
            created: Timestamp::from_secs(created),
            until: None,
        }
    }

    fn access_claims() -> AccessClaims {
        AccessClaims {
            sub: "ada".parse().unwrap(),
            instance: "instance-1".parse().unwrap(),
            family: FamilyId::from_bits(7),
            guest: false,
            source: CredentialSource::Hook,
            auth_ms: Timestamp::from_millis(1_799_999_999_123),
            token_ms: Some(Timestamp::from_millis(1_799_999_998_000)),
            issued_ms: Timestamp::from_millis(1_799_999_999_456),
            serial: 7,
            previous: 5,
            grant: Grant::default(),
        }
    }

    fn access(keys: &[SigningKey], clock: &Clock) -> AccessTokens {
        AccessTokens::new(keys, clock.clone()).unwrap()
    }

    #[test]
    fn the_newest_key_signs_access_tokens_and_all_verify() {
        let clock = clock();
        let (old, new) = (signing_key("old", 1, 100), signing_key("new", 2, 200));
        let expires = Timestamp::from_secs(NOW_SECS + 60);
        let tokens = access(std::slice::from_ref(&old), &clock);
        let by_old = tokens.mint("demo", &access_claims(), expires);
        assert_eq!(tokens.read("demo", by_old.as_str()).unwrap().claims, access_claims());

        tokens.replace(&[old.clone(), new.clone()]).unwrap();
        let by_new = tokens.mint("demo", &access_claims(), expires);
        let only_new = access(&[new], &clock);
        assert_eq!(only_new.read("demo", by_new.as_str()).unwrap().expires, expires);
        assert!(tokens.read("demo", by_old.as_str()).is_ok());
        assert!(tokens.is_named_by(by_old.as_str()) && !only_new.is_named_by(by_old.as_str()));
        assert_eq!(only_new.read("demo", by_old.as_str()), Err(TokenError::UnknownKey));
        assert_eq!(tokens.replace(&[]), Err(NoSigningKey));
    }

    #[test]
    fn former_key_verifies_until_its_end() {
        let clock = clock();
        let until = Some(Timestamp::from_secs(NOW_SECS + 10));
        let former = signing_key("former", 1, 100);
        let expires = Timestamp::from_secs(NOW_SECS + 60);
        let tokens = access(std::slice::from_ref(&former), &clock);
        let token = tokens.mint("demo", &access_claims(), expires);
        tokens.replace(&[SigningKey { until, ..former }, signing_key("new", 2, 200)]).unwrap();
        clock.advance(Duration::from_millis(9_999));
        assert!(tokens.read("demo", token.as_str()).is_ok());
        clock.advance(Duration::from_millis(1));
        assert_eq!(tokens.read("demo", token.as_str()), Err(TokenError::KeyEnded));
        assert!(tokens.is_named_by(token.as_str()), "no hook is asked");
    }

    #[test]
    fn access_token_is_valid_for_one_app_until_its_expiry() {
        let clock = clock();
        let tokens = access(&[signing_key("k", 1, 1)], &clock);
        let token = tokens.mint(
            "demo",
            &access_claims(),
            Timestamp::from_millis(NOW_SECS * 1_000 + 60_999),
        );
        let error = tokens.read("other", token.as_str()).unwrap_err();
        assert_eq!(error, TokenError::WrongIssuer { expected: "other".into() });
        clock.advance(Duration::from_millis(59_999));
        assert!(tokens.read("demo", token.as_str()).is_ok());
        clock.advance(Duration::from_millis(1));
        assert_eq!(tokens.read("demo", token.as_str()), Err(TokenError::Expired));
    }
}
