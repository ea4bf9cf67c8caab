//! Session tokens of another issuer, whose keys are fetched and change.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};
use stagedoor::config::{Claims, Jwks};
use tokio::net::TcpListener;

use super::{NOW, private_key, received, refused, sign, start_with};
use crate::common::{Client, Gateway, Setup};

const ISSUER: &str = "https://id.example";

/// An identity provider: the keys it publishes, and how often they were asked for.
struct Provider {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    fetches: Arc<AtomicUsize>,
}

impl Provider {
    async fn start(keys: Vec<Value>) -> Self {
        let (keys, fetches) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicUsize::default()));
        let (published, asked) = (Arc::clone(&keys), Arc::clone(&fetches));
        let answer = move || {
            asked.fetch_add(1, Ordering::Relaxed);
            let keys = published.lock().unwrap().clone();
            async move { Json(json!({ "keys": keys })) }
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move {
            axum::serve(listener, Router::new().route("/keys", get(answer))).await
        });
        Self { url, keys, fetches }
    }

    async fn gateway(&self) -> Gateway {
        let jwks = Jwks {
            allow_private: false,
            url: self.url.clone(),
            issuer: ISSUER.into(),
            audience: "chat".into(),
            claims: Claims { username: "preferred_username".into(), ..Claims::default() },
        };
        Setup::new().with(|config| config.apps[0].jwks = Some(jwks)).run().await
    }
}

fn jwk(algorithm: Algorithm, kid: &str) -> Value {
    stagedoor::auth::install_crypto();
    let mut jwk = Jwk::from_encoding_key(&private_key(algorithm), algorithm).unwrap();
    jwk.common.key_id = Some(kid.into());
    serde_json::to_value(jwk).unwrap()
}

/// A start with a token of the issuer.
fn start(algorithm: Algorithm, kid: &str, changes: &[(&str, Value)]) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": ["chat", "mail"], "sub": "7f3a", "preferred_username": "ada", "exp": NOW + 6_000,
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    start_with(&sign(algorithm, Some(kid), &private_key(algorithm), &claims))
}

#[tokio::test]
async fn rotated_key_sets_are_refetched_at_a_bounded_rate() {
    let provider = Provider::start(vec![jwk(Algorithm::RS256, "old")]).await;
    let gateway = provider.gateway().await;
    Client::start(&gateway, start(Algorithm::RS256, "old", &[])).await;

    *provider.keys.lock().unwrap() = vec![jwk(Algorithm::ES256, "new")];
    let early = start(Algorithm::ES256, "new", &[]);
    for _ in 0..3 {
        assert_eq!(received(&refused(&gateway, early.clone()).await), ("auth_denied", 4003));
    }
    assert_eq!(provider.fetches.load(Ordering::Relaxed), 1, "unknown names cannot drive fetches");
    gateway.advance(Duration::from_secs(30));
    Client::start(&gateway, early).await;
    assert_eq!(provider.fetches.load(Ordering::Relaxed), 2);
    gateway.advance(Duration::from_secs(30));
    let taken_back = refused(&gateway, start(Algorithm::RS256, "old", &[])).await;
    assert_eq!(received(&taken_back), ("auth_denied", 4003));
}

#[tokio::test]
async fn a_foreign_token_is_held_to_issuer_audience_and_types() {
    let provider = Provider::start(vec![jwk(Algorithm::EdDSA, "k")]).await;
    let gateway = provider.gateway().await;
    for (case, changes, expected) in [
        ("another issuer", [("iss", json!("https://evil.example"))], ("auth_denied", 4003)),
        ("the app as issuer", [("iss", json!("demo"))], ("auth_denied", 4003)),
        ("made for another service", [("aud", json!("mail"))], ("auth_denied", 4003)),
        ("mistyped audience", [("aud", json!({ "chat": true }))], ("auth_denied", 4003)),
        ("mistyped username", [("preferred_username", json!(7))], ("auth_denied", 4003)),
        ("expired", [("exp", json!(NOW))], ("token_expired", 4100)),
        ("exp as text", [("exp", json!("1900000600"))], ("auth_denied", 4003)),
    ] {
        let closed = refused(&gateway, start(Algorithm::EdDSA, "k", &changes)).await;
        assert_eq!(received(&closed), expected, "{case}");
    }
    Client::start(&gateway, start(Algorithm::EdDSA, "k", &[])).await;
}

#[tokio::test]
async fn unreachable_issuer_is_unavailable_not_denied() {
    let provider = Provider::start(Vec::new()).await;
    let gateway = provider.gateway().await;
    let closed = refused(&gateway, start(Algorithm::RS256, "k", &[])).await;
    assert_eq!(received(&closed), ("auth_unavailable", 4206));
    assert_eq!(closed.disconnect["action"], "retry");
    assert!(closed.disconnect["retry_after_ms"].is_u64());
    Client::guest(&gateway, "bob", "instance-2").await;
}
