//! Authentication by the app's own server, by custom hooks, and by an api token.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthRequest, Decision};
use stagedoor::config::{AuthWebhook, Config};
use stagedoor_proto::Credentials;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::common::{Client, Closed, Gateway, Log, Setup, start_of};
use crate::metrics::Scrape;

/// 32 bytes that the app's server shares with the gateway.
const SECRET: [u8; 32] = *b"a-webhook-secret-of-just-32-byte";
/// Failures in a row after which a hook is left alone for a while.
const FAILURES: usize = 5;

/// The app's server: answers as the username asks for.
struct AppServer {
    address: SocketAddr,
    asked: Arc<Asked>,
}

struct Asked {
    questions: Mutex<Vec<(HeaderMap, Bytes)>>,
    /// Lets answers to `slow` go out.
    release: Semaphore,
}

impl AppServer {
    async fn run() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Asked { questions: Mutex::default(), release: Semaphore::new(0) });
        let router = Router::new().route("/auth", post(answer)).with_state(Arc::clone(&asked));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, asked }
    }

    fn count(&self) -> usize {
        self.asked.questions.lock().unwrap().len()
    }

    async fn gateway(&self) -> Gateway {
        gateway_asking(self.address).await
    }
}

async fn answer(
    State(asked): State<Arc<Asked>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let question: Value = serde_json::from_slice(&body).unwrap();
    asked.questions.lock().unwrap().push((headers, body));
    let full = json!({
        "name": "Ada", "properties": { "team": "red" }, "rooms": { "lobby-*": "moderator" },
        "scopes": ["join"], "ttl_s": 60, "app_moderator": false,
    });
    match question["username"].as_str().unwrap() {
        "ada" => (StatusCode::OK, full.to_string()),
        "plain" => (StatusCode::OK, "{}".to_owned()),
        // What happens depends on the params.
        "status" => {
            let status = question["auth_params"].as_u64().unwrap();
            let status = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
            let body =
                json!({ "message": "not now", "ttl_s": 60, "rooms": ["a"], "role": "publisher" });
            (status, body.to_string())
        }
        "slow" => {
            asked.release.acquire().await.unwrap().forget();
            (StatusCode::OK, "{}".to_owned())
        }
        "unknown" => (StatusCode::UNAUTHORIZED, json!({ "message": "who is that" }).to_string()),
        "unwanted" => (StatusCode::FORBIDDEN, "not even JSON".to_owned()),
        "renamed" => (StatusCode::OK, json!({ "username": "another" }).to_string()),
        "invalid" => (StatusCode::BAD_REQUEST, json!({ "message": "no such user" }).to_string()),
        "failing" => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        "missing" => (StatusCode::NOT_FOUND, String::new()),
        "created" => (StatusCode::CREATED, "{}".to_owned()),
        "text" => (StatusCode::OK, "welcome".to_owned()),
        "mistyped" => (StatusCode::OK, json!({ "ttl_s": "60" }).to_string()),
        "bad-role" => (StatusCode::OK, json!({ "rooms": { "a": "king" } }).to_string()),
        "huge" => (StatusCode::OK, json!({ "name": "x".repeat(100_000) }).to_string()),
        _ => std::future::pending().await,
    }
}

async fn gateway_asking(address: SocketAddr) -> Gateway {
    gateway_with(address, |_| {}).await
}

async fn gateway_with(address: SocketAddr, change: impl FnOnce(&mut Config)) -> Gateway {
    let webhook = AuthWebhook {
        url: format!("http://{address}/auth"),
        secret: format!("whsec_{}", STANDARD.encode(SECRET)).into(),
        deadline: Duration::from_secs(3),
        max_concurrent: 4,
        allow_private: false,
    };
    Setup::new().with(|config| config.apps[0].auth_webhook = Some(webhook)).with(change).run().await
}

fn params_start(username: &str, params: &Value) -> Value {
    let mut start = start_of(username, "instance-1");
    start["credentials"] = json!({ "params": params });
    start
}

async fn refused(gateway: &Gateway, username: &str) -> Closed {
    let start = params_start(username, &json!({ "password": "x" }));
    let closed = Client::refused(gateway, json!({ "id": 0, "start": start })).await;
    let states: Vec<&Value> = closed
        .before
        .iter()
        .filter_map(|message| message.pointer("/session_state/state"))
        .collect();
    assert_eq!(states, ["establishing", "notLoggedIn"], "{username}");
    closed
}

#[tokio::test]
async fn auth_webhook_sets_profile_and_lifetime() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    let (mut client, started) =
        Client::start(&gateway, params_start("ada", &json!({ "password": "x" }))).await;
    let user = json!({ "username": "ada", "guest": false, "name": "Ada", "properties": { "team": "red" } });
    assert_eq!(started["session"]["user"], user);
    let expires = gateway.clock().wall().as_millis() + 60_000;
    assert_eq!(started["session"]["expires_at_ms"], expires);
    // An access token starts again with the same profile, and asks no hook.
    client.close().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": started["access_token"] });
    let (_client, again) = Client::start(&gateway, start).await;
    assert_eq!(again["session"]["user"], user);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn the_apps_server_is_asked_with_a_signature_that_it_can_check() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    let mut client = Client::connect_with(&gateway, &[("user-agent", "test/1")]).await;
    client.establish(params_start("plain", &json!({ "password": "x" }))).await;
    let (headers, body) = server.asked.questions.lock().unwrap()[0].clone();
    let question: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "app": "demo", "username": "plain", "auth_params": { "password": "x" }, "instance": "instance-1",
        "address": "127.0.0.1", "user_agent": "test/1", "purpose": "start",
    });
    assert_eq!(question, expected);
    let header = |name: &str| headers[name].to_str().unwrap();
    let session = gateway.hub().sessions.list("demo")[0].id();
    assert_eq!(header("x-request-id"), format!("{session}:0"));
    let signed = [header("webhook-id"), ".", header("webhook-timestamp"), "."].concat();
    let signed = [signed.as_bytes(), &body].concat();
    let signature = STANDARD.decode(header("webhook-signature").strip_prefix("v1,").unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    hmac::verify(&key, &signed, &signature.unwrap())
        .expect("the signature is of id, time and body");
    assert_eq!(header("webhook-timestamp"), gateway.clock().wall().as_secs().to_string());
}

#[tokio::test]
async fn what_the_apps_server_denies_is_denied() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    for (username, message) in [
        ("unknown", "who is that"),
        ("unwanted", "the app rejected this user"),
        ("renamed", "the credentials belong to another user"),
    ] {
        let closed = refused(&gateway, username).await;
        assert_eq!(
            (closed.code, &closed.disconnect["action"]),
            (4003, &json!("stop")),
            "{username}"
        );
        let error = closed.before.iter().find_map(|message| message.get("error")).unwrap();
        assert_eq!((&error["code"], &error["message"]), (&json!("auth_denied"), &json!(message)));
    }
}

#[tokio::test]
async fn denials_of_strangers_do_not_stop_the_hook() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    for n in 0..12 {
        let closed = refused(&gateway, "invalid").await;
        assert_eq!(closed.code, 4003, "attempt {n}");
        let error = closed.before.iter().find_map(|message| message.get("error")).unwrap();
        assert_eq!(error["message"], "no such user");
    }
    Client::start(&gateway, params_start("ada", &json!({ "password": "x" }))).await;
}

#[tokio::test]
async fn denials_are_counted_by_status_and_in_a_row() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    let metric = async |name: &str| Scrape::of(&gateway).await.value(name);
    let deny = async |status: u16, times: usize| {
        for _ in 0..times {
            let start = params_start("status", &json!(status));
            let closed = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
            assert_eq!(closed.code, 4003, "{status}");
        }
    };
    for status in [400, 401, 403, 404, 409, 422] {
        deny(status, 2).await;
        let counted = format!("auth_webhook_denials_total{{status=\"{status}\"}}");
        assert_eq!(metric(&counted).await.to_bits(), 2_f64.to_bits(), "{status}");
    }
    deny(403, 37).await;
    refused(&gateway, "failing").await;
    assert_eq!(metric("auth_webhooks_denying").await.to_bits(), 0_f64.to_bits(), "49 denials");
    deny(403, 1).await;
    assert_eq!(metric("auth_webhooks_denying").await.to_bits(), 1_f64.to_bits());
    Client::start(&gateway, params_start("plain", &json!({}))).await;
    assert_eq!(metric("auth_webhooks_denying").await.to_bits(), 0_f64.to_bits());
}

#[tokio::test]
async fn hook_decides_a_renewal_with_its_own_params() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    let start = params_start("status", &json!(200));
    let (mut ada, started) = Client::start(&gateway, start).await;
    let now = || gateway.clock().wall().as_millis();
    assert_eq!(started["session"]["expires_at_ms"], now() + 60_000);
    gateway.advance(Duration::from_secs(30));
    let error = ada.request("renew", json!({})).await.unwrap_err();
    assert_eq!(error["code"], "auth_token_required", "the hook bounded the session");
    assert_eq!(server.count(), 1, "the hook is not asked without params");

    for (status, code) in [(403, "auth_denied"), (500, "auth_unavailable")] {
        let error = ada.request("renew", json!({ "params": status })).await.unwrap_err();
        assert_eq!(error["code"], code);
    }
    let renewed = ada.request("renew", json!({ "params": 200 })).await.unwrap();
    assert_eq!(renewed["renewed"]["expires_at_ms"], now() + 60_000);
    let (_, body) = server.asked.questions.lock().unwrap().last().unwrap().clone();
    let question: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&question["purpose"], &question["auth_params"]), (&json!("renew"), &json!(200)));
    assert_eq!(question["username"], "status");
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn unknown_answer_field_is_logged_once() {
    let (log, server) = (Log::collect(), AppServer::run().await);
    let gateway = server.gateway().await;
    for _ in 0..3 {
        Client::start(&gateway, params_start("status", &json!(200))).await;
    }
    let lines = log.with_message("unknown field in an answer of the auth webhook");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["field"], "\"message\"");
}

#[tokio::test]
async fn other_auth_webhook_answers_admit_no_user() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    for username in
        ["failing", "missing", "created", "text", "mistyped", "bad-role", "huge", "hanging"]
    {
        let closed = refused(&gateway, username).await;
        assert_eq!(
            (closed.code, &closed.disconnect["action"]),
            (4206, &json!("retry")),
            "{username}"
        );
        assert!(closed.disconnect["retry_after_ms"].as_u64() > Some(0), "{username}");
        let error = closed.before.iter().find_map(|message| message.get("error")).unwrap();
        assert_eq!(error["code"], "auth_unavailable", "{username}");
        // One that answers in between keeps the circuit closed.
        Client::start(&gateway, params_start("plain", &json!({}))).await;
    }
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    assert_eq!(refused(&gateway_asking(address).await, "ada").await.code, 4206);
}

#[tokio::test]
async fn a_failing_server_is_left_alone_for_a_while() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    for _ in 0..FAILURES + 3 {
        assert_eq!(refused(&gateway, "failing").await.code, 4206);
    }
    assert_eq!(server.count(), FAILURES);
    gateway.advance(Duration::from_secs(6));
    Client::start(&gateway, params_start("plain", &json!({}))).await;
    assert_eq!(server.count(), FAILURES + 1);
}

#[tokio::test]
async fn a_client_hears_establishing_while_a_slow_server_thinks() {
    let server = AppServer::run().await;
    let gateway = server.gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.send(json!({ "id": 0, "start": params_start("slow", &json!({})) })).await;
    assert_eq!(client.hear().await["session_state"]["state"], "establishing");
    assert!(gateway.hub().sessions.list("demo").is_empty(), "no session is live yet");
    server.asked.release.add_permits(1);
    assert!(client.hear().await.pointer("/ok/started").is_some());
    assert_eq!(client.push("session_state").await["state"], "established");
}

/// Claims what has params, and never has an answer.
struct Helpless(AtomicUsize);

impl AuthHook for Helpless {
    fn name(&self) -> &'static str {
        "helpless"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Params(_))
    }

    fn decide<'a>(&'a self, _: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Decision::Unavailable { retry_after: Duration::from_secs(1) }).boxed()
    }
}

#[tokio::test]
async fn a_hook_of_ones_own_is_asked_first_and_guarded_like_any() {
    let server = AppServer::run().await;
    let hook = Arc::new(Helpless(AtomicUsize::new(0)));
    let own: Arc<dyn AuthHook> = Arc::<Helpless>::clone(&hook);
    let gateway = Setup::new().hook(own).run().await;
    for _ in 0..FAILURES + 3 {
        assert_eq!(refused(&gateway, "ada").await.code, 4206);
    }
    assert_eq!(hook.0.load(Ordering::Relaxed), FAILURES, "then it was left alone");
    assert_eq!(server.count(), 0);
    // What it does not claim is for the others.
    Client::guest(&gateway, "ada", "instance-2").await;
}

#[tokio::test]
async fn an_api_token_lets_anybody_in_who_shows_it() {
    let token = "an-api-token-of-the-app";
    let gateway =
        Setup::new().with(|config| config.apps[0].api_token = Some(token.into())).run().await;
    let params = json!({ "api_token": token, "user_id": "ada" });
    let mut start = params_start("ada", &params);
    let (_client, started) = Client::start(&gateway, start.clone()).await;
    assert_eq!(started["session"]["user"]["username"], "ada");
    start.as_object_mut().unwrap().remove("username");
    Client::start(&gateway, start).await;
    for params in [
        json!({ "api_token": "another-token-of-no-app", "user_id": "ada" }),
        json!({ "api_token": token, "user_id": "bob" }),
        json!({ "api_token": 1, "user_id": "ada" }),
        json!({ "user_id": "ada" }),
    ] {
        let start = params_start("ada", &params);
        let closed = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
        assert_eq!(closed.code, 4003, "{params}");
    }
}

/// Params of this size as JSON.
fn params_of(bytes: usize) -> Value {
    json!("x".repeat(bytes - 2))
}

#[tokio::test]
async fn auth_params_are_passed_up_to_their_limit() {
    let server = AppServer::run().await;
    let gateway = gateway_with(server.address, |config| {
        (config.limits.auth_params_bytes, config.limits.message_in_bytes) = (64 * 1024, 4 * 1024);
    })
    .await;
    for (bytes, fits) in [(20 * 1024, true), (64 * 1024, true), (64 * 1024 + 1, false)] {
        let mut start = start_of("ada", "instance-1");
        start["credentials"] = json!({ "params": params_of(bytes) });
        let first = json!({ "id": 1, "start": start.clone() });
        if fits {
            let (mut ada, started) = Client::start(&gateway, start).await;
            ada.request("renew", json!({ "params": params_of(bytes) })).await.unwrap();
            ada.cut().await;
            gateway.suspended("ada").await;
            let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
            let resume = json!({
                "session": session, "secret": secret, "last_seq": 0, "params": params_of(bytes),
            });
            let mut ada = Client::connect(&gateway).await;
            ada.send(json!({ "id": 1, "resume": resume })).await;
            ada.reply(1).await.unwrap();
        } else {
            let closed = Client::refused(&gateway, first).await;
            assert_eq!(closed.code, 4501);
            assert_eq!(closed.before[0]["error"]["code"], "too_large");
        }
    }
}

#[tokio::test]
async fn params_beyond_their_limit_renew_nothing() {
    let server = AppServer::run().await;
    let gateway = gateway_with(server.address, |config| {
        config.limits.auth_params_bytes = 2 * 1024;
    })
    .await;
    let (mut ada, started) = Client::start(&gateway, params_start("ada", &params_of(2_048))).await;
    let error = ada.request("renew", json!({ "params": params_of(2_049) })).await.unwrap_err();
    assert_eq!((&error["code"], &error["field"]), (&json!("too_large"), &json!("params")));
    ada.request("renew", json!({ "params": params_of(2_048) })).await.unwrap();
    ada.cut().await;
    gateway.suspended("ada").await;
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    let resume = json!({
        "session": session, "secret": secret, "last_seq": 0, "params": params_of(2_049),
    });
    let closed = Client::refused(&gateway, json!({ "id": 1, "resume": resume })).await;
    assert_eq!(closed.code, 4501);
    Client::resume(&gateway, &started, 0).await;
}

#[tokio::test]
async fn params_do_not_raise_the_limit_of_other_messages() {
    let server = AppServer::run().await;
    let gateway = gateway_with(server.address, |config| {
        (config.limits.auth_params_bytes, config.limits.message_in_bytes) = (64 * 1024, 4 * 1024);
    })
    .await;
    let long = "x".repeat(4 * 1024);
    let mut start = params_start("ada", &params_of(100));
    start["client"] = json!({ "name": long });
    let closed = Client::refused(&gateway, json!({ "id": 1, "start": start })).await;
    assert_eq!(closed.code, 4501, "the rest of a start");
    for (command, body) in [
        ("signal", json!({ "room": "lobby", "type": "chat", "data": long })),
        ("renew", json!({ "auth_token": long })),
        ("end", json!({ "params": params_of(8 * 1024) })),
    ] {
        let (mut ada, _) = Client::start(&gateway, params_start("ada", &params_of(100))).await;
        ada.begin(command, body).await;
        assert_eq!(ada.closed().await.code, 4501, "{command}");
    }
}
