//! Tokens of each kind: each fault has its code, and a token is valid for one purpose.

mod doors;
mod faults;
mod issuer;
mod restart;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::common::{Client, Closed, Gateway, SECRET};

/// The second at which the gateways of these tests stand.
const NOW: u64 = 1_900_000_000;

/// Good claims of a token of this `scope`, with `changes` made to them; `null` takes a claim away.
fn claims(scope: &str, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "demo", "aud": "stagedoor", "scope": scope, "iat": NOW, "exp": NOW + 600, "sub": "ada",
    });
    let object = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn sign(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    stagedoor::auth::install_crypto();
    let header = Header { kid: kid.map(Into::into), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// A token signed with the app's secret.
fn token(scope: &str, changes: &Value) -> String {
    sign(
        Algorithm::HS256,
        None,
        &EncodingKey::from_secret(SECRET.as_bytes()),
        &claims(scope, changes),
    )
}

/// The private half of the test key for `algorithm`.
fn private_key(algorithm: Algorithm) -> EncodingKey {
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(include_bytes!("../keys/rs256.key.pem")),
        Algorithm::ES256 => EncodingKey::from_ec_pem(include_bytes!("../keys/es256.key.pem")),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(include_bytes!("../keys/eddsa.key.pem")),
        other => panic!("no test key for {other:?}"),
    };
    key.unwrap()
}

/// A start of `ada` with this token.
fn start_with(token: &str) -> Value {
    json!({ "app": "demo", "username": "ada", "instance": "instance-1", "credentials": { "token": token } })
}

async fn refused(gateway: &Gateway, start: Value) -> Closed {
    Client::refused(gateway, json!({ "id": 0, "start": start })).await
}

/// The error a refused start was answered with, and how its connection closed.
fn received(closed: &Closed) -> (&str, u16) {
    let error = closed.before.iter().find_map(|message| message.pointer("/error/code"));
    (error.and_then(Value::as_str).unwrap_or_default(), closed.code)
}
