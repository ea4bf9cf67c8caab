//! Who may use an app's server API.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::is_same_digest;
use super::token::{AppTokens, TokenError};

/// The checks of the server API of one app. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerAuth {
    keys: Arc<[ServerKey]>,
    tokens: AppTokens,
}

/// A key that opens the server API for as long as it is configured. Only its hash is held.
///
/// Its fingerprint is the first 8 hexadecimal digits of that hash. It stays with the key wherever that stands in the
/// configuration, and tells nothing of use about it: whoever could find a key by it could guess the key itself.
#[derive(Clone, Debug)]
pub struct ServerKey {
    fingerprint: Box<str>,
    digest: Digest,
}

/// A text that is no server key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server key is `{PREFIX}` and at least {MIN_KEY_CHARS} characters")]
pub struct InvalidServerKey;

/// Who uses the server API.
///
/// As a text, which the audit log keeps, a key never reads like a token, whatever that calls itself: `key:9f86d081`,
/// `token:billing`, and `token` of one without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerActor {
    /// Whoever has the server key of this fingerprint.
    Key(Box<str>),
    /// Whoever has a server token; its `sub`, where it says one.
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
    /// The key `key`.
    ///
    /// # Errors
    /// When it lacks the prefix or is short.
    pub fn new(key: &SecretString) -> Result<Self, InvalidServerKey> {
        let key = key.expose_secret();
        let secret = key.strip_prefix(PREFIX).ok_or(InvalidServerKey)?;
        if secret.len() < MIN_KEY_CHARS {
            return Err(InvalidServerKey);
        }
        let digest = digest(&SHA256, key.as_bytes());
        let first = digest.as_ref().iter().take(FINGERPRINT_BYTES);
        let fingerprint = first.map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { fingerprint, digest })
    }
}

impl ServerAuth {
    /// Opens to `keys`, and to the server tokens among `tokens`.
    #[must_use]
    pub fn new(keys: Vec<ServerKey>, tokens: AppTokens) -> Self {
        Self { keys: keys.into(), tokens }
    }

    /// Checks what followed `Bearer` in a request.
    ///
    /// # Errors
    /// Whatever is wrong with it. No other token opens this door.
    pub fn verify_server(&self, bearer: &str) -> Result<ServerActor, TokenError> {
        if bearer.starts_with(PREFIX) {
            let shown = digest(&SHA256, bearer.as_bytes());
            // All are compared, so that time tells nothing of which was nearly right.
            let fits = self.keys.iter().fold(None, |found, key| {
                if is_same_digest(&key.digest, &shown) { Some(key) } else { found }
            });
            return fits
                .map(|key| ServerActor::Key(key.fingerprint.clone()))
                .ok_or(TokenError::UnknownServerKey);
        }
        let checked = self.tokens.read_server(bearer)?;
        Ok(ServerActor::Token(checked.claims.sub.map(Into::into)))
    }
}

/// What every server key begins with, so that one is known when it is seen where it should not be.
const PREFIX: &str = "sk_";
/// How much of a key's hash names it.
const FINGERPRINT_BYTES: usize = 4;
/// Fewest characters after the prefix.
const MIN_KEY_CHARS: usize = 32;

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
    fn a_server_key_or_a_server_token_opens_the_server_api() {
        let auth = auth();
        // As `printf %s KEY | sha256sum | cut -c1-8` tells it.
        assert_eq!(auth.verify_server(KEY), Ok(ServerActor::Key("9baa890b".into())));
        let token = sign_hs256(&claims("server", json!({"sub": "billing"})));
        assert_eq!(auth.verify_server(&token), Ok(ServerActor::Token(Some("billing".into()))));
    }

    #[test]
    fn no_token_passes_for_a_key_or_for_a_token_without_a_name() {
        let named = |name: &str| ServerActor::Token(Some(name.into())).to_string();
        assert_eq!(named("billing"), "token:billing");
        for other in [ServerActor::Key("9f86d081".into()), ServerActor::Token(None)] {
            for name in ["key:9f86d081", "9f86d081", "token", ""] {
                assert_ne!(named(name), other.to_string(), "{name}");
            }
        }
    }

    #[test]
    fn nothing_else_opens_it() {
        let auth = auth();
        let longer = format!("{KEY}0");
        for shown in ["", "sk_", &KEY[..KEY.len() - 1], &longer, &KEY[3..], &KEY.to_uppercase()] {
            assert!(auth.verify_server(shown).is_err(), "{shown}");
        }
        for kind in ["session", "room", "access"] {
            let error = auth.verify_server(&sign_hs256(&claims(kind, json!({})))).unwrap_err();
            assert_eq!(error, TokenError::WrongKind { expected: TokenKind::Server }, "{kind}");
        }
        assert!(!format!("{auth:?}").contains(KEY));
    }

    #[test]
    fn a_server_key_has_its_prefix_and_its_length() {
        for (key, is_valid) in [(KEY, true), (&KEY[3..], false), ("sk_short", false)] {
            assert_eq!(ServerKey::new(&SecretString::from(key)).is_ok(), is_valid, "{key}");
        }
    }
}
