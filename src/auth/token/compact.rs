//! A token as it travels: `header.payload.signature`, before anything in it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Claims, MAX_TOKEN_BYTES, TokenError};
use crate::auth::keys::VerifyKey;

/// A token taken apart; nothing in it is verified yet.
pub(in crate::auth) struct Compact<'t> {
    /// What the signature is of.
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
    /// Takes a token apart.
    pub(in crate::auth) fn parse(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge { bytes: token.len() });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotAToken)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotAToken)?;
        if payload.contains('.') {
            return Err(TokenError::NotAToken);
        }
        let header: Header = decode_json(header)?;
        // RFC 7515, 4.1.11: what a critical extension means is not known here, so the token means nothing here.
        if header.crit.is_some() {
            return Err(TokenError::CriticalExtension);
        }
        // `none` has no place among the algorithms, so it ends here.
        let algorithm = header.alg.parse().map_err(|_| TokenError::WrongAlgorithm)?;
        Ok(Self { signed, payload, signature, algorithm, kid: header.kid })
    }

    /// The key its header names.
    pub(in crate::auth) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Who says they issued it: good for choosing whose keys to try, and for nothing else.
    pub(in crate::auth) fn unverified_issuer(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: String,
        }
        decode_json::<Issuer>(self.payload).ok().map(|claims| claims.iss)
    }

    /// The claims, once one of `keys` turns out to have signed them.
    pub(in crate::auth) fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifyKey>,
    ) -> Result<Claims, TokenError> {
        let mut failure = TokenError::UnknownKey;
        for key in keys.into_iter().filter(|key| key.answers_to(self.kid())) {
            if key.algorithm() != self.algorithm {
                // A key of the right algorithm that did not fit says more.
                if failure == TokenError::UnknownKey {
                    failure = TokenError::WrongAlgorithm;
                }
            } else if key.has_signed(self.signed, self.signature) {
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
