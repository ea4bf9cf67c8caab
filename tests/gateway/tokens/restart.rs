//! Starting again with an access token: it asks no hook, widens nothing and lasts no longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision};
use stagedoor::store::Profile;
use stagedoor_proto::Credentials;

use super::{NOW, received, refused, start_with, token};
use crate::common::{Client, Gateway, Setup, start_of};

/// What a token says; whether it is true is another matter.
fn payload(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Lets everybody in who shows `params`, and counts how often it was asked.
#[derive(Default)]
struct Counting(AtomicUsize);

impl AuthHook for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn claims(&self, _: &AuthRequest) -> bool {
        true
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let Credentials::Params(_) = request.credentials else { panic!("asked about a token") };
        let username = request.username.clone().unwrap();
        let allowed = Authenticated {
            profile: Profile { name: Some("Ada L.".into()), properties: None },
            ..Authenticated::new(username, AuthMethod::Hook { issued: None })
        };
        Box::pin(async move { Decision::Allow(Box::new(allowed)) })
    }
}

#[tokio::test]
async fn a_restart_asks_no_hook() {
    let hook = Arc::new(Counting::default());
    let gateway = Setup::new().hook(hook.clone()).run().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": { "code": 1 } });
    let (_first, started) = Client::start(&gateway, start).await;
    let access = started["access_token"].as_str().unwrap();
    let (_second, again) = Client::start(&gateway, start_with(access)).await;
    assert_eq!(hook.0.load(Ordering::Relaxed), 1);
    assert_eq!(again["session"]["user"], started["session"]["user"], "the store knows the rest");
}

#[tokio::test]
async fn a_restart_moves_no_expiry_and_widens_nothing() {
    let gateway = Gateway::dev().await;
    let rights = json!({ "rooms": { "lobby-*": "subscriber" }, "scopes": ["join"], "ttl_s": 300 });
    let (_client, mut started) =
        Client::start(&gateway, start_with(&token("session", &rights))).await;
    let first = payload(&started["access_token"]);
    assert_eq!(first["exp"], NOW + 300, "ttl_s takes the place of exp");
    assert_eq!(started["session"]["expires_at_ms"], (NOW + 300) * 1_000);
    for _ in 0..3 {
        gateway.advance(Duration::from_mins(1));
        let access = started["access_token"].as_str().unwrap().to_owned();
        (_, started) = Client::start(&gateway, start_with(&access)).await;
        let next = payload(&started["access_token"]);
        for claim in ["exp", "sub", "instance", "guest", "auth_ms", "rooms", "scopes", "family"] {
            assert_eq!(next[claim], first[claim], "{claim}");
        }
        assert_eq!(started["session"]["expires_at_ms"], (NOW + 300) * 1_000);
    }
    gateway.advance(Duration::from_mins(2));
    let access = started["access_token"].as_str().unwrap();
    assert_eq!(received(&refused(&gateway, start_with(access)).await), ("token_expired", 4100));
}

#[tokio::test]
async fn a_session_lives_as_long_as_its_token_says() {
    let gateway = Gateway::dev().await;
    for (case, changes, lives) in [
        ("until exp", json!({}), 600),
        ("ttl_s shortens", json!({ "ttl_s": 60 }), 60),
        ("ttl_s lengthens", json!({ "ttl_s": 6_000 }), 6_000),
        ("at most the app's lifetime", json!({ "exp": NOW + 400 * 86_400 }), 30 * 86_400),
    ] {
        let (_client, started) =
            Client::start(&gateway, start_with(&token("session", &changes))).await;
        assert_eq!(started["session"]["expires_at_ms"], (NOW + lives) * 1_000, "{case}");
    }
}

#[tokio::test]
async fn an_access_token_is_of_its_user_its_instance_and_its_app() {
    let text = format!(
        "[[apps]]\nid = \"other\"\nguests = true\nhs256_secrets = [\"{}\"]\n[store.sqlite]\npath = \"unused.db\"\n",
        "o".repeat(40)
    );
    let other = stagedoor::config::Config::parse("stagedoor.toml".as_ref(), &text).unwrap();
    let gateway = Setup::new().with(|config| config.apps.extend(other.apps)).run().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let access = started["access_token"].as_str().unwrap();
    let (head, signature) = access.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let mut claims = payload(&started["access_token"]);
    claims["exp"] = (NOW + 10 * 365 * 86_400).into();
    let tampered = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let change = |key: &str, value: &str| {
        let mut start = start_with(access);
        start[key] = value.into();
        start
    };
    for (case, start) in [
        ("another user", change("username", "bob")),
        ("another instance", change("instance", "instance-2")),
        ("another app", change("app", "other")),
        ("tampered with", start_with(&tampered)),
        ("cut", start_with(&access[..access.len() - 1])),
    ] {
        assert_eq!(received(&refused(&gateway, start).await), ("auth_denied", 4003), "{case}");
    }
    assert!(client.request("renew", json!({})).await.is_ok(), "none of them touched the session");
}

#[tokio::test]
async fn a_start_without_the_familys_token_voids_the_family() {
    let gateway = Gateway::dev().await;
    let session_token = token("session", &json!({}));
    let (_first, started) = Client::start(&gateway, start_with(&session_token)).await;
    let access = started["access_token"].as_str().unwrap();
    let (mut second, _) = Client::start(&gateway, start_with(&session_token)).await;
    let closed = refused(&gateway, start_with(access)).await;
    assert_eq!(received(&closed), ("token_revoked", 4101));
    assert_eq!(closed.disconnect["action"], "reauth");
    assert!(second.request("postpone_renewal", json!({})).await.is_ok());
}

#[tokio::test]
async fn an_end_takes_the_access_token_with_it_unless_asked_otherwise() {
    let gateway = Gateway::dev().await;
    for (revoke, allowed) in [(json!({}), false), (json!({ "revoke": false }), true)] {
        let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
        client.request("end", revoke).await.unwrap();
        assert_eq!(client.closed().await.code, 1000);
        let access = started["access_token"].as_str().unwrap();
        if allowed {
            Client::start(&gateway, start_with(access)).await;
        } else {
            assert_eq!(
                received(&refused(&gateway, start_with(access)).await),
                ("token_revoked", 4101)
            );
        }
    }
}
