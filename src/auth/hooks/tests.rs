//! The hooks, the guard and the chain, against real servers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};
use stagedoor_proto::{Credentials, ErrorCode, Role, Timestamp};

use super::*;
use crate::auth::fixtures::{
    NOW_SECS, Server, claims, clock, params, request, serve, sign_hs256, token, tokens,
};
use crate::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision};
use crate::grant::{Grant, RoomPattern};
use crate::outbound::{Network, WebhookSecret};
use crate::revocation::Issued;
use crate::telemetry::Metrics;

const SHARED: &[u8] = b"a webhook secret of 32 bytes, ok";
const ANSWERS_IN: Duration = Duration::from_secs(10);

fn secret() -> WebhookSecret {
    WebhookSecret::parse(&SecretString::from(format!("whsec_{}", STANDARD.encode(SHARED)))).unwrap()
}

fn webhook(url: &str, deadline: Duration) -> WebhookHook {
    let metrics = Arc::new(Metrics::new());
    WebhookHook::new(url, secret(), deadline, Network::Any, clock(), metrics).unwrap()
}

/// An app's server that always answers the same.
async fn app_server(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> Server {
    serve(Router::new().route("/", post(async move || answer.clone().into_response()))).await
}

fn with_params() -> AuthRequest {
    request(Some("ada"), params(&json!({"password": "sesame"})))
}

fn allowed(decision: Decision) -> Authenticated {
    match decision {
        Decision::Allow(allowed) => *allowed,
        other => panic!("not allowed: {other:?}"),
    }
}

fn message(decision: Decision) -> String {
    match decision {
        Decision::Deny(denied) => {
            assert_eq!(denied.code, ErrorCode::AuthDenied);
            denied.message
        }
        other => panic!("not denied: {other:?}"),
    }
}

#[tokio::test]
async fn the_webhook_asks_everything_and_signs_it() {
    let asked: Arc<Mutex<Option<(HeaderMap, Bytes)>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let handler = async move |headers: HeaderMap, body: Bytes| -> Response {
        *seen.lock().unwrap() = Some((headers, body));
        "{}".into_response()
    };
    let server = serve(Router::new().route("/", post(handler))).await;
    let verdict = webhook(&server.url, ANSWERS_IN).decide(&with_params()).await;
    assert_eq!(allowed(verdict).username.as_str(), "ada");

    let (headers, body) = asked.lock().unwrap().take().unwrap();
    let header = |name: &str| headers[name].to_str().unwrap();
    let mut signed =
        format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&body);
    let signature =
        STANDARD.decode(header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, SHARED), &signed, &signature).unwrap();
    assert_eq!(header("webhook-timestamp"), NOW_SECS.to_string());
    let question: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        question,
        json!({
            "app": "demo", "username": "ada", "auth_params": {"password": "sesame"}, "instance": "instance-1",
            "address": "127.0.0.1", "user_agent": "a browser", "purpose": "start",
        })
    );
}

#[tokio::test]
async fn webhook_answer_sets_identity_and_grant() {
    let answer = json!({
        "username": "ada", "name": "Ada", "properties": {"team": 7}, "rooms": {"lobby-*": "publisher"},
        "scopes": ["join"], "ttl_s": 60, "app_moderator": true,
    });
    let server = app_server(answer.to_string()).await;
    let allowed = allowed(webhook(&server.url, ANSWERS_IN).decide(&with_params()).await);
    assert_eq!(allowed.profile.name.as_deref(), Some("Ada"));
    assert_eq!(allowed.profile.properties.as_ref().unwrap().as_json(), r#"{"team":7}"#);
    let rooms = vec![(RoomPattern::try_from("lobby-*".to_owned()).unwrap(), Role::Publisher)];
    let scopes = Some(["join"].into_iter().collect());
    assert!(!allowed.is_guest());
    assert_eq!(allowed.expires, Timestamp::from_secs(NOW_SECS + 60));
    assert_eq!(allowed.grant, Grant { rooms, scopes, app_moderator: true });
}

#[tokio::test]
async fn webhook_answer_may_list_rooms_beside_one_role() {
    let answer = json!({ "rooms": ["lobby", "hall-*"], "role": "moderator", "plan": "gold" });
    let server = app_server(answer.to_string()).await;
    let allowed = allowed(webhook(&server.url, ANSWERS_IN).decide(&with_params()).await);
    let role = |room: &str| allowed.grant.role_in(&room.parse().unwrap());
    assert_eq!([role("lobby"), role("hall-7")], [Some(Role::Moderator); 2]);
}

#[tokio::test]
async fn the_webhook_denies_with_the_apps_own_words() {
    let long = json!({"message": format!("no\u{7}{}", "!".repeat(300))}).to_string();
    let cases = [
        (
            StatusCode::UNAUTHORIZED,
            r#"{"message":"wrong password"}"#.to_owned(),
            "wrong password".to_owned(),
        ),
        (StatusCode::FORBIDDEN, String::new(), "the app rejected this user".into()),
        (StatusCode::FORBIDDEN, "x".repeat(70_000), "the app rejected this user".into()),
        (StatusCode::FORBIDDEN, long, format!("no{}", "!".repeat(254))),
        (
            StatusCode::BAD_REQUEST,
            r#"{"message":"no such plan"}"#.to_owned(),
            "no such plan".into(),
        ),
        (StatusCode::NOT_FOUND, r#"{"code":"unknown_user"}"#.to_owned(), "unknown_user".into()),
        (StatusCode::CONFLICT, r#"{"message":7}"#.to_owned(), "the app rejected this user".into()),
        (StatusCode::UNPROCESSABLE_ENTITY, r#"{"message":"no"}"#.to_owned(), "no".into()),
    ];
    for (status, body, expected) in cases {
        let server = app_server((status, body)).await;
        assert_eq!(
            message(webhook(&server.url, ANSWERS_IN).decide(&with_params()).await),
            expected
        );
    }
}

#[tokio::test]
async fn invalid_webhook_answers_admit_no_user() {
    let ok = |body: &str| (StatusCode::OK, body.to_owned()).into_response();
    let big = format!(r#"{{"name":"{}"}}"#, "x".repeat(64 * 1024));
    let properties = format!(r#"{{"properties":"{}"}}"#, "x".repeat(8 * 1024));
    let cases = [
        ("garbage", ok("garbage")),
        ("empty", ok("")),
        ("a list", ok("[1]")),
        ("unknown role", ok(r#"{"rooms":{"lobby":"king"}}"#)),
        ("bad pattern", ok(r#"{"rooms":{"*y":"publisher"}}"#)),
        ("mistyped ttl", ok(r#"{"ttl_s":"60"}"#)),
        ("ttl of nothing", ok(r#"{"ttl_s":0}"#)),
        ("mistyped scopes", ok(r#"{"scopes":"join"}"#)),
        ("huge", ok(&big)),
        ("huge properties", ok(&properties)),
        ("500", StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        ("204", StatusCode::NO_CONTENT.into_response()),
        ("404", (StatusCode::NOT_FOUND, "{}").into_response()),
        ("400 with text", (StatusCode::BAD_REQUEST, "message").into_response()),
        ("409 with a list", (StatusCode::CONFLICT, r#"["message"]"#).into_response()),
        ("429", (StatusCode::TOO_MANY_REQUESTS, r#"{"message":"slow"}"#).into_response()),
        ("503", (StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"no"}"#).into_response()),
        ("a list of rooms without a role", ok(r#"{"rooms":["lobby"]}"#)),
        ("redirect", Redirect::temporary("/allow").into_response()),
    ];
    for (case, response) in cases {
        let response = Arc::new(Mutex::new(Some(response)));
        let handler = async move || response.lock().unwrap().take().unwrap();
        let router = Router::new().route("/", post(handler)).route("/allow", post(async || "{}"));
        let server = serve(router).await;
        let decision = webhook(&server.url, ANSWERS_IN).decide(&with_params()).await;
        assert!(matches!(decision, Decision::Unavailable { .. }), "{case}: {decision:?}");
    }
}

#[tokio::test]
async fn hanging_or_dead_webhook_admits_no_user() {
    let hanging = serve(Router::new().route("/", post(std::future::pending::<()>))).await;
    let down = serve(Router::new()).await.url.clone();
    for (case, url, deadline) in
        [("hangs", &hanging.url, Duration::from_millis(50)), ("down", &down, ANSWERS_IN)]
    {
        let decision = webhook(url, deadline).decide(&with_params()).await;
        assert!(matches!(decision, Decision::Unavailable { .. }), "{case}: {decision:?}");
    }
}

#[tokio::test]
async fn missing_username_is_a_typed_denial() {
    let (webhook, guest) = (webhook("http://127.0.0.1:9/", ANSWERS_IN), GuestHook::default());
    let without_name = |credentials| request(None, credentials);
    for decision in [
        webhook.decide(&without_name(params(&json!({})))).await,
        guest.decide(&without_name(Credentials::Guest {})).await,
        api_token_hook().decide(&without_name(params(&json!({"api_token": API_TOKEN})))).await,
    ] {
        assert!(message(decision).contains("username"));
    }
}

#[tokio::test]
async fn guest_gets_the_guest_grant() {
    let grant = Grant { scopes: Some(["join"].into_iter().collect()), ..Grant::default() };
    let allowed = allowed(
        GuestHook::new(grant.clone()).decide(&request(Some("ada"), Credentials::Guest {})).await,
    );
    assert!(allowed.is_guest());
    assert_eq!((allowed.username.as_str(), allowed.grant), ("ada", grant));
}

const API_TOKEN: &str = "api-token-of-the-app";

fn api_token_hook() -> ApiTokenHook {
    ApiTokenHook::new(&SecretString::from(API_TOKEN), Grant::default()).unwrap()
}

#[tokio::test]
async fn api_token_with_user_id_admits_the_user() {
    let hook = api_token_hook();
    let by = async |username, shown| hook.decide(&request(username, params(&shown))).await;
    let shown = json!({"api_token": API_TOKEN, "user_id": "ada"});
    assert_eq!(allowed(by(None, shown.clone()).await).username.as_str(), "ada");
    assert_eq!(
        allowed(by(Some("ada"), json!({"api_token": API_TOKEN})).await).username.as_str(),
        "ada"
    );
    for wrong in [
        json!({"api_token": "api-token-of-the-apq", "user_id": "ada"}),
        json!({"api_token": "api-token", "user_id": "ada"}),
        json!({"api_token": "", "user_id": "ada"}),
        json!({"api_token": null, "user_id": "ada"}),
        json!({"api_token": [API_TOKEN], "user_id": "ada"}),
        json!({"api_token": API_TOKEN, "user_id": 7}),
        json!({"api_token": API_TOKEN, "user_id": null}),
    ] {
        assert!(!message(by(Some("ada"), wrong).await).contains(API_TOKEN));
    }
    assert!(ApiTokenHook::new(&SecretString::from("short"), Grant::default()).is_err());
}

#[test]
fn each_hook_claims_its_own_credentials() {
    let clock = clock();
    let hooks: [&dyn AuthHook; 4] = [
        &GuestHook::default(),
        &JwtHook::new(tokens(&clock), Vec::new(), clock.clone()),
        &api_token_hook(),
        &webhook("http://127.0.0.1:9/", ANSWERS_IN),
    ];
    let cases = [
        (Credentials::Guest {}, "guest"),
        (token("a.b.c"), "jwt"),
        (params(&json!({"api_token": null})), "api_token"),
        (params(&json!({})), "webhook"),
        (params(&json!("api_token")), "webhook"),
        (params(&json!(["api_token"])), "webhook"),
        (params(&Value::Null), "webhook"),
    ];
    for (credentials, expected) in cases {
        let request = request(Some("ada"), credentials);
        let claiming: Vec<&str> =
            hooks.iter().filter(|hook| hook.claims(&request)).map(|hook| hook.name()).collect();
        assert_eq!(claiming, [expected], "{:?}", request.credentials);
    }
}

#[tokio::test]
async fn session_token_admits_its_user_on_its_instance() {
    let clock = clock();
    let hook = JwtHook::new(tokens(&clock), Vec::new(), clock.clone());
    let by = async |username, changes| {
        hook.decide(&request(username, token(&sign_hs256(&claims("session", changes))))).await
    };
    let named = allowed(by(None, json!({"name": "Ada", "instance": "instance-1"})).await);
    assert_eq!((named.username.as_str(), named.profile.name.as_deref()), ("ada", Some("Ada")));
    let issued = Some(Issued::ByApp(Some(Timestamp::from_secs(NOW_SECS))));
    assert_eq!(named.method, AuthMethod::Hook { issued });
    assert_eq!(named.expires, Timestamp::from_secs(NOW_SECS + 600));
    let lasting = allowed(by(Some("ada"), json!({"ttl_s": 86_400})).await);
    assert_eq!(lasting.expires, Timestamp::from_secs(NOW_SECS + 86_400));
    assert_eq!(message(by(Some("eve"), json!({})).await), "the token is for another user");
    let elsewhere = by(None, json!({"instance": "instance-2"})).await;
    assert_eq!(message(elsewhere), "the token is for another client instance");
    let Decision::Deny(expired) = by(None, json!({"exp": NOW_SECS})).await else {
        panic!("not denied")
    };
    assert_eq!(expired.code, ErrorCode::TokenExpired);
}

#[test]
fn a_webhook_secret_has_its_prefix_and_its_length() {
    let encoded = |bytes: usize| STANDARD.encode(vec![7; bytes]);
    for (text, is_valid) in [
        (format!("whsec_{}", encoded(24)), true),
        (format!("whsec_{}", encoded(64)), true),
        (format!("whsec_{}", encoded(23)), false),
        (format!("whsec_{}", encoded(65)), false),
        (encoded(32), false),
        ("whsec_???".into(), false),
    ] {
        assert_eq!(
            WebhookSecret::parse(&SecretString::from(text.clone())).is_ok(),
            is_valid,
            "{text}"
        );
    }
}
