//! Session and room tokens as an app's backend would sign them (design, "Authentication").

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

/// Signs tokens of one app.
pub(crate) struct Minter {
    app: String,
    key: hmac::Key,
}

impl Minter {
    pub(crate) fn new(app: &str, secret: &str) -> Self {
        Self { app: app.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()) }
    }

    /// A session token for `username`, valid from now for [`LIFETIME`].
    pub(crate) fn session(&self, username: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.sign(&json!({
            "iss": self.app, "aud": "stagedoor", "scope": "session", "sub": username,
            "iat": now.as_secs(), "exp": (now + LIFETIME).as_secs(),
        }))
    }

    /// A bearer room token, valid from now for [`LIFETIME`].
    pub(crate) fn room(&self, room: &str, role: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.sign(&json!({
            "iss": self.app, "aud": "stagedoor", "scope": "room", "room": room, "role": role,
            "iat": now.as_secs(), "exp": (now + LIFETIME).as_secs(),
        }))
    }

    fn sign(&self, claims: &serde_json::Value) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

/// Longer than any run.
const LIFETIME: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected text was made with another implementation of HMAC.
    #[test]
    fn a_token_is_signed_as_jws_says() {
        let minter = Minter::new("demo", "secret");
        let token = minter.sign(&json!({ "sub": "ann" }));
        assert_eq!(
            token,
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4ifQ.PjR3fgnevdXvvFDIexpV052PaeBybdsfUE102L3fkg4"
        );
    }
}
