//! Signing with a shared secret.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use stagedoor_proto::Secret;

/// A secret that signs tokens (HS256), with their encoded header.
#[derive(Clone)]
pub(in crate::auth) struct MintKey {
    /// The encoded header, followed by a dot.
    header: Box<str>,
    /// Prepared once: `jsonwebtoken` would hash the secret again for each token.
    key: hmac::Key,
}

impl MintKey {
    pub(in crate::auth) fn new(secret: &[u8], kid: &str) -> Self {
        let header = serde_json::json!({ "typ": "JWT", "alg": "HS256", "kid": kid }).to_string();
        let header = format!("{}.", URL_SAFE_NO_PAD.encode(header)).into();
        Self { header, key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    pub(in crate::auth) fn mint(&self, payload: &impl Serialize) -> Secret {
        let payload = serde_json::to_vec(payload).expect("claims are an object with text keys");
        let mut token =
            String::with_capacity(self.header.len() + payload.len() * 4 / 3 + SIGNATURE_CHARS);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = hmac::sign(&self.key, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token.parse().expect("any text is a secret")
    }
}

impl fmt::Debug for MintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MintKey(..)")
    }
}

/// A dot, 43 characters of signature, and the rounding of the payload's length.
const SIGNATURE_CHARS: usize = 48;
