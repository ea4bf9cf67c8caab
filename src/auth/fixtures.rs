//! Fixtures of this module's tests: a fixed time, an app, its keys, and HTTP servers.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde_json::{Value, json};
use stagedoor_proto::{Credentials, Data, SessionId, Timestamp};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::keys::{AppKey, PublicKeyKind};
use super::token::AppTokens;
use super::{AuthRequest, Purpose};
use crate::clock::Clock;
use crate::request::RequestId;

pub(super) const NOW_SECS: u64 = 1_800_000_000;
pub(super) const SECRET: &str = "an app secret of at least 32 bytes";
pub(super) const OTHER_SECRET: &str = "another secret of at least 32 bytes";
pub(super) const RSA_PUBLIC: &str = include_str!("../../tests/keys/rs256.pub.pem");

pub(super) fn clock() -> Clock {
    super::install_crypto();
    Clock::manual(Timestamp::from_secs(NOW_SECS))
}

pub(super) fn secret_key() -> AppKey {
    AppKey::hs256("main", None, &SecretString::from(SECRET)).unwrap()
}

/// The app `demo` with a secret and a public key of each kind.
pub(super) fn tokens(clock: &Clock) -> AppTokens {
    let public = |id, kind, pem| AppKey::public(id, None, kind, pem).unwrap();
    let keys = [
        secret_key(),
        public("rsa", PublicKeyKind::Rsa, RSA_PUBLIC),
        public("ec", PublicKeyKind::P256, include_str!("../../tests/keys/es256.pub.pem")),
        public("ed", PublicKeyKind::Ed25519, include_str!("../../tests/keys/eddsa.pub.pem")),
    ];
    AppTokens::new("demo".into(), keys.into(), clock.clone())
}

/// The private half of the public key for `algorithm`.
pub(super) fn private_key(algorithm: Algorithm) -> EncodingKey {
    let key = match algorithm {
        Algorithm::RS256 => {
            EncodingKey::from_rsa_pem(include_bytes!("../../tests/keys/rs256.key.pem"))
        }
        Algorithm::ES256 => {
            EncodingKey::from_ec_pem(include_bytes!("../../tests/keys/es256.key.pem"))
        }
        Algorithm::EdDSA => {
            EncodingKey::from_ed_pem(include_bytes!("../../tests/keys/eddsa.key.pem"))
        }
        other => panic!("no test key for {other:?}"),
    };
    key.unwrap()
}

/// A token as another library would sign it.
pub(super) fn sign(
    algorithm: Algorithm,
    kid: Option<&str>,
    key: &EncodingKey,
    claims: &Value,
) -> String {
    super::install_crypto();
    let header = Header { kid: kid.map(Into::into), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// A token signed with the app's secret.
pub(super) fn sign_hs256(claims: &Value) -> String {
    sign(Algorithm::HS256, None, &EncodingKey::from_secret(SECRET.as_bytes()), claims)
}

/// Valid claims of `scope`, with `changes` applied; `null` removes a claim.
pub(super) fn claims(scope: &str, changes: Value) -> Value {
    let mut claims = json!({
        "iss": "demo", "aud": "stagedoor", "scope": scope, "iat": NOW_SECS, "exp": NOW_SECS + 600, "sub": "ada",
    });
    if scope == "room" {
        claims["room"] = "lobby".into();
    }
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    let object = claims.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Value::Null => object.remove(&name),
            value => object.insert(name, value),
        };
    }
    claims
}

pub(super) fn request(username: Option<&str>, credentials: Credentials) -> AuthRequest {
    AuthRequest {
        app: Arc::from("demo"),
        username: username.map(|name| name.parse().unwrap()),
        instance: "instance-1".parse().unwrap(),
        credentials,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: Some("a browser".into()),
        purpose: Purpose::Start,
        request_id: RequestId::Session { session: SessionId::from_bits(1), number: 7 },
    }
}

pub(super) fn token(text: &str) -> Credentials {
    Credentials::Token(text.parse().unwrap())
}

pub(super) fn params(params: &Value) -> Credentials {
    Credentials::Params(Data::new(params).unwrap())
}

/// An HTTP server of a test. Dropping it stops it.
pub(super) struct Server {
    pub(super) url: String,
    _tasks: JoinSet<std::io::Result<()>>,
}

pub(super) async fn serve(router: Router) -> Server {
    super::install_crypto();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await });
    Server { url, _tasks: tasks }
}
