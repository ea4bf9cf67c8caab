//! Key sets of a real server that is changed, broken and counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use stagedoor_proto::Role;

use super::remote::REFETCH_PAUSE;
use super::*;
use crate::auth::fixtures::{NOW_SECS, SECRET, Server, clock, private_key, serve, sign};
use crate::auth::token::{Compact, SessionClaims, TokenError, VerifiedToken};
use crate::auth::{ClaimMap, Issuer, IssuerError};
use crate::clock::Clock;
use crate::grant::RoomPattern;
use crate::outbound::Network;

const TIMEOUT: Duration = Duration::from_secs(5);

/// An identity provider.
struct Provider {
    server: Server,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetches: Arc<AtomicUsize>,
}

impl Provider {
    async fn start(set: &Value) -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, set.to_string())));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (current, counted) = (Arc::clone(&answer), Arc::clone(&fetches));
        let handler = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = current.lock().unwrap().clone();
            async move { answer }
        };
        let server = serve(Router::new().route("/", get(handler))).await;
        Self { server, answer, fetches }
    }

    fn answer(&self, status: StatusCode, body: &impl ToString) {
        *self.answer.lock().unwrap() = (status, body.to_string());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn issuer(&self, clock: &Clock) -> Issuer {
        issuer(&self.server.url, clock, ClaimMap::default())
    }
}

fn issuer(url: &str, clock: &Clock, map: ClaimMap) -> Issuer {
    let keys = JwksSource::new(url, TIMEOUT, Network::Any, clock.clone()).unwrap();
    Issuer::new("https://id.example", "chat", map, keys)
}

fn jwk(algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&private_key(algorithm), algorithm).unwrap();
    jwk.common.key_id = Some(kid.into());
    serde_json::to_value(jwk).unwrap()
}

fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

fn foreign(changes: &[(&str, Value)]) -> Value {
    let mut claims =
        json!({"iss": "https://id.example", "aud": "chat", "sub": "ada", "exp": NOW_SECS + 600});
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

async fn read(
    issuer: &Issuer,
    clock: &Clock,
    token: &str,
) -> Result<VerifiedToken<SessionClaims>, IssuerError> {
    issuer.read(&Compact::parse(token).unwrap(), clock.wall()).await
}

fn by(algorithm: Algorithm, kid: &str) -> String {
    sign(algorithm, Some(kid), &private_key(algorithm), &foreign(&[]))
}

#[tokio::test]
async fn keys_of_every_kind_are_fetched_once_and_used() {
    let clock = clock();
    let algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let keys: Vec<Value> = algorithms.iter().map(|alg| jwk(*alg, &format!("{alg:?}"))).collect();
    let provider = Provider::start(&set(&keys)).await;
    let issuer = provider.issuer(&clock);
    for algorithm in algorithms {
        let read = read(&issuer, &clock, &by(algorithm, &format!("{algorithm:?}"))).await.unwrap();
        assert_eq!(read.claims.sub.as_str(), "ada", "{algorithm:?}");
    }
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn issuer_and_audience_are_the_configured_ones() {
    let clock = clock();
    let provider = Provider::start(&set(&[jwk(Algorithm::ES256, "k")])).await;
    let issuer = provider.issuer(&clock);
    for (claim, value) in [("aud", "stagedoor"), ("iss", "demo")] {
        let claims = foreign(&[(claim, value.into())]);
        let token = sign(Algorithm::ES256, Some("k"), &private_key(Algorithm::ES256), &claims);
        let refused = read(&issuer, &clock, &token).await.unwrap_err();
        assert!(
            matches!(
                refused,
                IssuerError::Token(
                    TokenError::WrongAudience { .. } | TokenError::WrongIssuer { .. }
                )
            ),
            "{claim}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn claims_are_read_by_the_names_of_the_map() {
    let clock = clock();
    let provider = Provider::start(&set(&[jwk(Algorithm::ES256, "k")])).await;
    let map = ClaimMap {
        username: "preferred_username".into(),
        rooms: Some("https://chat/rooms".into()),
        ..ClaimMap::default()
    };
    let issuer = issuer(&provider.server.url, &clock, map);
    let mapped = foreign(&[
        ("preferred_username", "countess".into()),
        ("name", "Ada".into()),
        ("https://chat/rooms", json!({"lobby-*": "moderator"})),
        // Not mapped, so not believed; nor is an identity provider's `scope` a door of ours.
        ("app_moderator", true.into()),
        ("scope", "openid".into()),
    ]);
    let token = sign(Algorithm::ES256, Some("k"), &private_key(Algorithm::ES256), &mapped);
    let claims = read(&issuer, &clock, &token).await.unwrap().claims;
    assert_eq!((claims.sub.as_str(), claims.name.as_deref()), ("countess", Some("Ada")));
    let lobby = RoomPattern::try_from("lobby-*".to_owned()).unwrap();
    assert_eq!(claims.grant.rooms, [(lobby, Role::Moderator)]);
    assert!(!claims.grant.app_moderator);
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let clock = clock();
    let provider = Provider::start(&set(&[jwk(Algorithm::ES256, "first")])).await;
    let issuer = provider.issuer(&clock);
    assert!(read(&issuer, &clock, &by(Algorithm::ES256, "first")).await.is_ok());

    provider.answer(StatusCode::OK, &set(&[jwk(Algorithm::EdDSA, "second")]));
    let second = by(Algorithm::EdDSA, "second");
    let unknown = Err(IssuerError::Token(TokenError::UnknownKey));
    assert_eq!(read(&issuer, &clock, &second).await, unknown, "too early to fetch again");
    clock.advance(REFETCH_PAUSE);
    assert!(read(&issuer, &clock, &second).await.is_ok());
    assert_eq!(read(&issuer, &clock, &by(Algorithm::ES256, "first")).await, unknown);
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn unknown_kids_refetch_at_most_once_in_the_pause() {
    let clock = clock();
    let provider = Provider::start(&set(&[jwk(Algorithm::ES256, "k")])).await;
    let issuer = provider.issuer(&clock);
    let tokens: Vec<String> =
        (0..20).map(|n| by(Algorithm::ES256, &format!("made-up-{n}"))).collect();
    for expected in [1, 2] {
        let all =
            futures::future::join_all(tokens.iter().map(|token| read(&issuer, &clock, token)))
                .await;
        assert!(all.iter().all(|one| *one == Err(IssuerError::Token(TokenError::UnknownKey))));
        assert_eq!(provider.fetches(), expected);
        clock.advance(REFETCH_PAUSE);
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_undo_the_fetch() {
    let clock = clock();
    let provider = Provider::start(&set(&[jwk(Algorithm::ES256, "k")])).await;
    let issuer = provider.issuer(&clock);
    let token = by(Algorithm::ES256, "k");
    {
        let mut hasty = std::pin::pin!(read(&issuer, &clock, &token));
        assert!(futures::poll!(hasty.as_mut()).is_pending());
    }
    assert!(read(&issuer, &clock, &token).await.is_ok());
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn keys_stay_when_the_issuer_fails() {
    let clock = clock();
    let provider = Provider::start(&set(&[jwk(Algorithm::ES256, "k")])).await;
    let issuer = provider.issuer(&clock);
    let (known, unknown) = (by(Algorithm::ES256, "k"), by(Algorithm::ES256, "unknown"));
    assert!(read(&issuer, &clock, &known).await.is_ok());
    let failures = [
        (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        (StatusCode::OK, "garbage".into()),
        (StatusCode::OK, set(&[]).to_string()),
        (StatusCode::OK, format!("{{\"keys\":[\"{}\"]}}", "x".repeat(256 * 1024))),
        (StatusCode::FOUND, set(&[jwk(Algorithm::ES256, "unknown")]).to_string()),
    ];
    for (status, body) in failures {
        let case = format!("{status} {body:.20}");
        provider.answer(status, &body);
        clock.advance(REFETCH_PAUSE);
        assert_eq!(read(&issuer, &clock, &unknown).await, Err(IssuerError::Unavailable), "{case}");
        assert!(read(&issuer, &clock, &known).await.is_ok(), "{case}");
    }
}

#[tokio::test]
async fn unreachable_issuer_admits_no_user() {
    let clock = clock();
    let url = serve(Router::new()).await.url;
    let issuer = issuer(&url, &clock, ClaimMap::default());
    assert_eq!(
        read(&issuer, &clock, &by(Algorithm::ES256, "k")).await,
        Err(IssuerError::Unavailable)
    );
}

#[tokio::test]
async fn a_key_set_gives_no_secrets_and_no_algorithm_but_its_own() {
    let clock = clock();
    let mut for_encryption = jwk(Algorithm::RS256, "enc");
    for_encryption["use"] = "enc".into();
    let mut misnamed = jwk(Algorithm::RS256, "misnamed");
    misnamed["alg"] = "HS256".into();
    let secret =
        json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    let keys = [secret, for_encryption, misnamed, json!(7), jwk(Algorithm::ES256, "good")];
    let provider = Provider::start(&set(&keys)).await;
    let issuer = provider.issuer(&clock);
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let cases = [
        (
            "oct",
            sign(Algorithm::HS256, Some("oct"), &secret, &foreign(&[])),
            TokenError::UnknownKey,
        ),
        (
            "oct, no kid",
            sign(Algorithm::HS256, None, &secret, &foreign(&[])),
            TokenError::WrongAlgorithm,
        ),
        ("encryption key", by(Algorithm::RS256, "enc"), TokenError::UnknownKey),
        ("RSA key as HS256", by(Algorithm::RS256, "misnamed"), TokenError::UnknownKey),
        ("another alg", by(Algorithm::EdDSA, "good"), TokenError::WrongAlgorithm),
    ];
    for (case, token, expected) in cases {
        assert_eq!(
            read(&issuer, &clock, &token).await,
            Err(IssuerError::Token(expected)),
            "{case}"
        );
    }
    assert!(read(&issuer, &clock, &by(Algorithm::ES256, "good")).await.is_ok());
}
