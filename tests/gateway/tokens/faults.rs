//! What can be wrong with a token that is shown at `start`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{NOW, claims, private_key, received, refused, sign, start_with, token};
use crate::common::{Client, Gateway, SECRET, Setup};

const RSA_PUBLIC: &str = include_str!("../../keys/rs256.pub.pem");

fn by_secret(secret: &str, claims: &Value) -> String {
    sign(Algorithm::HS256, None, &EncodingKey::from_secret(secret.as_bytes()), claims)
}

fn with_header(header: &Value, token: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[tokio::test]
async fn every_fault_of_a_session_token_has_its_code() {
    let gateway = Gateway::dev().await;
    let mut bystander = Client::guest(&gateway, "bystander", "instance-0").await.0;
    let good = claims("session", &json!({}));
    let signed = by_secret(SECRET, &good);
    let (unsigned, _) = signed.rsplit_once('.').unwrap();
    let none = with_header(&json!({ "alg": "none" }), &format!("{unsigned}."));
    let changed = |changes: Value| token("session", &changes);
    let cases = [
        ("no token", "token".to_owned(), "auth_denied", 4003),
        ("alg none", none, "auth_denied", 4003),
        (
            "alg none in capitals",
            with_header(&json!({ "alg": "NONE" }), &signed),
            "auth_denied",
            4003,
        ),
        ("swapped alg", with_header(&json!({ "alg": "RS256" }), &signed), "auth_denied", 4003),
        ("another secret's", by_secret(&SECRET.replace('a', "b"), &good), "auth_denied", 4003),
        ("no signature", format!("{unsigned}."), "auth_denied", 4003),
        (
            "unknown kid",
            with_header(&json!({ "alg": "HS256", "kid": "unknown" }), &signed),
            "auth_denied",
            4003,
        ),
        (
            "critical extension",
            with_header(&json!({ "alg": "HS256", "crit": ["b64"] }), &signed),
            "auth_denied",
            4003,
        ),
        ("no exp", changed(json!({ "exp": null })), "auth_denied", 4003),
        ("exp as text", changed(json!({ "exp": "1900000600" })), "auth_denied", 4003),
        ("exp below zero", changed(json!({ "exp": -1 })), "auth_denied", 4003),
        ("nbf as text", changed(json!({ "nbf": "1900000000" })), "auth_denied", 4003),
        ("iat as text", changed(json!({ "iat": "1900000000" })), "auth_denied", 4003),
        ("expired", changed(json!({ "exp": NOW })), "token_expired", 4100),
        ("not yet valid", changed(json!({ "nbf": NOW + 31 })), "auth_denied", 4003),
        ("issued in the future", changed(json!({ "iat": NOW + 31 })), "auth_denied", 4003),
        ("no aud", changed(json!({ "aud": null })), "auth_denied", 4003),
        ("another aud", changed(json!({ "aud": "elsewhere" })), "auth_denied", 4003),
        ("aud as number", changed(json!({ "aud": 7 })), "auth_denied", 4003),
        ("aud of mixed types", changed(json!({ "aud": ["stagedoor", 7] })), "auth_denied", 4003),
        ("no iss", changed(json!({ "iss": null })), "auth_denied", 4003),
        ("another iss", changed(json!({ "iss": "other" })), "auth_denied", 4003),
        ("iss as array", changed(json!({ "iss": ["demo"] })), "auth_denied", 4003),
        ("no scope", changed(json!({ "scope": null })), "auth_denied", 4003),
        ("a room token", token("room", &json!({ "room": "lobby" })), "auth_denied", 4003),
        ("a server token", token("server", &json!({})), "auth_denied", 4003),
        (
            "an access token of one's own making",
            token("access", &json!({ "instance": "instance-1" })),
            "auth_denied",
            4003,
        ),
        ("no sub", changed(json!({ "sub": null })), "auth_denied", 4003),
        ("sub as number", changed(json!({ "sub": 7 })), "auth_denied", 4003),
        ("another user's", changed(json!({ "sub": "bob" })), "auth_denied", 4003),
        ("another instance's", changed(json!({ "instance": "instance-2" })), "auth_denied", 4003),
        ("instance as number", changed(json!({ "instance": 7 })), "auth_denied", 4003),
        ("rooms as list", changed(json!({ "rooms": ["lobby"] })), "auth_denied", 4003),
        ("an unknown role", changed(json!({ "rooms": { "lobby": "king" } })), "auth_denied", 4003),
        ("scopes as text", changed(json!({ "scopes": "join" })), "auth_denied", 4003),
        ("ttl_s of nothing", changed(json!({ "ttl_s": 0 })), "auth_denied", 4003),
        (
            "too long to be looked at",
            changed(json!({ "name": "x".repeat(9_000) })),
            "auth_denied",
            4003,
        ),
    ];
    for (case, token, code, close) in cases {
        let closed = refused(&gateway, start_with(&token)).await;
        assert_eq!(received(&closed), (code, close), "{case}: {closed:?}");
        let states =
            closed.before.iter().filter_map(|message| message.pointer("/session_state/state"));
        assert_eq!(states.collect::<Vec<_>>(), ["establishing", "notLoggedIn"], "{case}");
        assert!(bystander.request("postpone_renewal", json!({})).await.is_ok(), "{case}");
    }
    Client::start(&gateway, start_with(&signed)).await;
}

#[tokio::test]
async fn clocks_that_run_half_a_minute_ahead_are_forgiven() {
    let gateway = Gateway::dev().await;
    let ahead = token("session", &json!({ "iat": NOW + 30, "nbf": NOW + 30 }));
    Client::start(&gateway, start_with(&ahead)).await;
}

#[tokio::test]
async fn a_token_names_its_user_where_the_start_does_not() {
    let gateway = Gateway::dev().await;
    let mut start = start_with(&token("session", &json!({ "name": "Ada L." })));
    start.as_object_mut().unwrap().remove("username");
    let (_client, started) = Client::start(&gateway, start).await;
    let user = &started["session"]["user"];
    assert_eq!(
        (&user["username"], &user["name"], &user["guest"]),
        (&json!("ada"), &json!("Ada L."), &json!(false))
    );
}

/// An app with three public keys, as a configuration file states them.
fn with_public_keys() -> Setup {
    let text = r#"
        [[apps]]
        id = "demo"
        public_keys = [
            { file = "rs256.pub.pem", kid = "rsa" },
            { file = "es256.pub.pem", kid = "ec" },
            { file = "eddsa.pub.pem", kid = "ed" },
        ]
        [store.sqlite]
        path = "unused.db"
    "#;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/stagedoor.toml");
    let configured = stagedoor::config::Config::parse(path.as_ref(), text).unwrap();
    Setup::new().with(|config| {
        config.apps[0].public_keys.clone_from(&configured.apps[0].public_keys);
        config.apps[0].hs256_secrets.clear();
    })
}

#[tokio::test]
async fn public_keys_of_every_kind_verify_session_tokens() {
    let gateway = with_public_keys().run().await;
    let good = claims("session", &json!({}));
    for (algorithm, kid) in
        [(Algorithm::RS256, "rsa"), (Algorithm::ES256, "ec"), (Algorithm::EdDSA, "ed")]
    {
        for named in [Some(kid), None] {
            let token = sign(algorithm, named, &private_key(algorithm), &good);
            Client::start(&gateway, start_with(&token)).await;
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_and_fixes_its_algorithm() {
    let gateway = with_public_keys().run().await;
    let good = claims("session", &json!({}));
    let by_rsa = private_key(Algorithm::RS256);
    let (ec, ed) = (private_key(Algorithm::ES256), private_key(Algorithm::EdDSA));
    for (case, token) in [
        ("the PEM as a secret", by_secret(RSA_PUBLIC, &good)),
        (
            "the PEM as a secret, by its kid",
            sign(
                Algorithm::HS256,
                Some("rsa"),
                &EncodingKey::from_secret(RSA_PUBLIC.as_bytes()),
                &good,
            ),
        ),
        ("another algorithm of the same key", sign(Algorithm::RS512, Some("rsa"), &by_rsa, &good)),
        ("another key's kid", sign(Algorithm::ES256, Some("ed"), &ec, &good)),
        ("another key's kid, of another kind", sign(Algorithm::EdDSA, Some("rsa"), &ed, &good)),
        ("the secret that was taken away", by_secret(SECRET, &good)),
    ] {
        assert_eq!(
            received(&refused(&gateway, start_with(&token)).await),
            ("auth_denied", 4003),
            "{case}"
        );
    }
}
