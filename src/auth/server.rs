//! Authentication of calls to an app's server API.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::is_same_digest;
use super::token::{AppTokens, TokenError};
use crate::config::{MIN_SERVER_KEY_CHARS, SERVER_KEY_PREFIX};
use crate::revocation::Issued;

/// The keys and tokens that authenticate calls to one app's server API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerAuth {
    keys: Arc<[ServerKey]>,
    tokens: AppTokens,
}

/// A server key, valid for as long as it is configured. Only its hash is in memory.
///
/// Its fingerprint is the first 8 hexadecimal digits of the hash. It does not depend on the key's position in the
/// configuration, and 32 bits do not help to guess the key.
#[derive(Clone, Debug)]
pub struct ServerKey {
    fingerprint: Box<str>,
    digest: Digest,
}

/// The text is not a server key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a server key is `{SERVER_KEY_PREFIX}` followed by at least {MIN_SERVER_KEY_CHARS} characters"
)]
pub struct InvalidServerKey;

/// The caller of the server API.
///
/// The audit log stores its text form: `key:9f86d081`, `token:billing`, or `token` for a token without a name. A token
/// cannot choose a name that reads like a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerActor {
    /// The server key with this fingerprint.
    Key(Box<str>),
    /// A server token, with its `sub` if it has one.
    Token(Option<Box<str>>),
}

impl fmt::Display for ServerActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(fingerprint) => write!(f, "key:{fingerprint}"),
            Self::Token(Some(name)) => write!(f, "token:{name}"),
            Self::Token(None) => f.write_str("token"),
        }
    }
}

impl ServerKey {
    /// # Errors
    /// When the prefix is missing or the key is too short.
    pub fn new(key: &SecretString) -> Result<Self, InvalidServerKey> {
        let key = key.expose_secret();
        let secret = key.strip_prefix(SERVER_KEY_PREFIX).ok_or(InvalidServerKey)?;
        if secret.len() < MIN_SERVER_KEY_CHARS {
            return Err(InvalidServerKey);
        }
        let digest = digest(&SHA256, key.as_bytes());
        let first = digest.as_ref().iter().take(FINGERPRINT_BYTES);
        let fingerprint = first.map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { fingerprint, digest })
    }
}

impl ServerAuth {
    /// Accepts `keys`, and server tokens that `tokens` verifies.
    #[must_use]
    pub fn new(keys: Vec<ServerKey>, tokens: AppTokens) -> Self {
        Self { keys: keys.into(), tokens }
    }

    /// Authenticates a call by its bearer credential. `is_void` says whether a token of that time was revoked.
    ///
    /// # Errors
    /// Why the credential is invalid. Tokens of other kinds are rejected.
    pub fn verify_server(
        &self,
        bearer: &str,
        is_void: impl FnOnce(Issued) -> bool,
    ) -> Result<ServerActor, TokenError> {
        if bearer.starts_with(SERVER_KEY_PREFIX) {
            let presented = digest(&SHA256, bearer.as_bytes());
            // Every key is compared, so that the time does not depend on which one matches.
            let matching = self.keys.iter().fold(None, |found, key| {
                if is_same_digest(&key.digest, &presented) { Some(key) } else { found }
            });
            return matching
                .map(|key| ServerActor::Key(key.fingerprint.clone()))
                .ok_or(TokenError::UnknownServerKey);
        }
        let token = self.tokens.read_server(bearer)?;
        if is_void(Issued::ByApp(token.issued)) {
            return Err(TokenError::Revoked);
        }
        Ok(ServerActor::Token(token.claims.sub.map(Into::into)))
    }
}

/// Bytes of a key's hash in its fingerprint.
const FINGERPRINT_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::fixtures::{claims, clock, sign_hs256, tokens};
    use crate::auth::token::TokenKind;

    const KEY: &str = "sk_0123456789abcdef0123456789abcdef";

    fn auth() -> ServerAuth {
        let key = |key: &str| ServerKey::new(&SecretString::from(key)).unwrap();
        let other = KEY.replace('f', "e");
        ServerAuth::new(vec![key(&other), key(KEY)], tokens(&clock()))
    }

    #[test]
    fn server_keys_and_server_tokens_authenticate() {
        let auth = auth();
        // The output of `printf %s KEY | sha256sum | cut -c1-8`.
        assert_eq!(auth.verify_server(KEY, |_| false), Ok(ServerActor::Key("9baa890b".into())));
        let token = sign_hs256(&claims("server", json!({"sub": "billing"})));
        let named = Ok(ServerActor::Token(Some("billing".into())));
        assert_eq!(auth.verify_server(&token, |_| false), named);
        assert_eq!(auth.verify_server(&token, |_| true), Err(TokenError::Revoked));
        assert!(auth.verify_server(KEY, |_| true).is_ok(), "a key has no time of issue");
    }

    #[test]
    fn token_names_cannot_imitate_keys_or_nameless_tokens() {
        let named = |name: &str| ServerActor::Token(Some(name.into())).to_string();
        assert_eq!(named("billing"), "token:billing");
        for other in [ServerActor::Key("9f86d081".into()), ServerActor::Token(None)] {
            for name in ["key:9f86d081", "9f86d081", "token", ""] {
                assert_ne!(named(name), other.to_string(), "{name}");
            }
        }
    }

    #[test]
    fn other_credentials_are_rejected() {
        let auth = auth();
        let longer = format!("{KEY}0");
        for bearer in ["", "sk_", &KEY[..KEY.len() - 1], &longer, &KEY[3..], &KEY.to_uppercase()] {
            assert!(auth.verify_server(bearer, |_| false).is_err(), "{bearer}");
        }
        for kind in ["session", "room", "access"] {
            let token = sign_hs256(&claims(kind, json!({})));
            let error = auth.verify_server(&token, |_| false).unwrap_err();
            assert_eq!(error, TokenError::WrongKind { expected: TokenKind::Server }, "{kind}");
        }
        assert!(!format!("{auth:?}").contains(KEY));
    }

    #[test]
    fn server_key_requires_prefix_and_length() {
        for (key, is_valid) in [(KEY, true), (&KEY[3..], false), ("sk_short", false)] {
            assert_eq!(ServerKey::new(&SecretString::from(key)).is_ok(), is_valid, "{key}");
        }
    }
}
