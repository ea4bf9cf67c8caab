//! A token in compact form, `header.payload.signature`, before it is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Claims, MAX_TOKEN_BYTES, TokenError};
use crate::auth::keys::VerifyKey;

/// The parts of an unverified token.
pub(in crate::auth) struct Compact<'t> {
    /// `header.payload`, which the signature covers.
    signed: &'t str,
    payload: &'t str,
    signature: &'t str,
    algorithm: Algorithm,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'t> Compact<'t> {
    pub(in crate::auth) fn parse(token: &'t str) -> Result<Self, TokenError> {
        Self::parse_within(token, MAX_TOKEN_BYTES)
    }

    /// Parses a token of at most `max` bytes.
    pub(in crate::auth) fn parse_within(token: &'t str, max: usize) -> Result<Self, TokenError> {
        if token.len() > max {
            return Err(TokenError::TooLarge { bytes: token.len(), max });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotAToken)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotAToken)?;
        if payload.contains('.') {
            return Err(TokenError::NotAToken);
        }
        let header: Header = decode_json(header)?;
        // RFC 7515, 4.1.11: a token with an unsupported critical extension must be rejected.
        if header.crit.is_some() {
            return Err(TokenError::CriticalExtension);
        }
        // `Algorithm` has no `none`, so parsing rejects it.
        let algorithm = header.alg.parse().map_err(|_| TokenError::WrongAlgorithm)?;
        Ok(Self { signed, payload, signature, algorithm, kid: header.kid })
    }

    /// The key id in the header.
    pub(in crate::auth) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The unverified `iss`, only to be used for selecting the keys to verify with.
    pub(in crate::auth) fn unverified_issuer(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: String,
        }
        decode_json::<Issuer>(self.payload).ok().map(|claims| claims.iss)
    }

    /// The claims, if one of `keys` verifies the signature.
    pub(in crate::auth) fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifyKey>,
    ) -> Result<Claims, TokenError> {
        let mut failure = TokenError::UnknownKey;
        for key in keys.into_iter().filter(|key| key.matches_kid(self.kid())) {
            if key.algorithm() != self.algorithm {
                // A wrong signature by a key of the right algorithm is the more specific error.
                if failure == TokenError::UnknownKey {
                    failure = TokenError::WrongAlgorithm;
                }
            } else if key.verify(self.signed, self.signature) {
                return decode_json(self.payload);
            } else {
                failure = TokenError::WrongSignature;
            }
        }
        Err(failure)
    }
}

fn decode_json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotAToken)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::NotAToken)
}
