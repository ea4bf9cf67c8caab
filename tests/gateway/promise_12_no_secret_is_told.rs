//! Promise 12: no secret is in a log, metric, error or URL; usernames are there only as a keyed hash, and what
//! connections and signals carry is not there at all.
//!
//! The program itself runs, with everything it logs switched on, through all that a session can meet. What it was told is
//! made of canaries; then each line it wrote is searched for them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use stagedoor::clock::Clock;
use tokio::net::TcpListener;

use crate::common::{Client, Program, start_of};

const APP_SECRET: &str = "canary-app-secret-of-at-least-32-bytes";
const SERVER_KEY: &str = "sk_canary-server-key-of-at-least-32-bytes";
const API_TOKEN: &str = "canary-api-token-of-at-least-32-bytes";
const WEBHOOK_SECRET: [u8; 32] = *b"canary-webhook-secret-of-32-byte";
const ADA: &str = "canary-name-ada";
const HOST: &str = "canary-name-host";
const EVE: &str = "canary-name-eve";

/// The program, and what it writes to its log.
struct Running {
    child: Program,
    log: JoinHandle<String>,
    clients: SocketAddr,
    admin: SocketAddr,
}

impl Running {
    fn with(config: &Path) -> Self {
        let mut child =
            Program::run(&["serve", "--config", config.to_str().unwrap(), "--log", "trace"]);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let serving: Value = loop {
            let start = log.len();
            assert!(stderr.read_line(&mut log).unwrap() > 0, "it ended: {log}");
            let line: Value = serde_json::from_str(&log[start..]).unwrap();
            if line["message"] == "serving" {
                break line;
            }
        };
        let address = |field: &str| serving[field].as_str().unwrap().parse().unwrap();
        let (clients, admin) = (address("listen"), address("admin"));
        // A thread, so that the program never waits for its log to be read.
        let log = std::thread::spawn(move || {
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        Self { child, log, clients, admin }
    }

    async fn connect(&self) -> Client {
        let headers = [("user-agent", "canary-agent")];
        Client::connect_to(&format!("ws://{}/v1/connect", self.clients), &headers).await
    }

    async fn start(&self, start: Value) -> (Client, Value) {
        let mut client = self.connect().await;
        let started = client.establish(start).await;
        (client, started)
    }

    /// How a connection ends that says this.
    async fn refused(&self, first: &str) -> u16 {
        let mut client = self.connect().await;
        client.send_text(first).await;
        client.closed().await.code
    }

    async fn api(&self, bearer: &str, method: &str, path: &str, body: Value) -> (u16, String) {
        let url = format!("http://{}/api/v1/apps/shop/{path}", self.admin);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url);
        let response = request.bearer_auth(bearer).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn metrics_at(&self, address: SocketAddr) -> (u16, String) {
        let response = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// All that it wrote: its standard output and its log.
    fn ended(mut self) -> (String, String) {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        assert!(self.child.wait().unwrap().success());
        (stdout, self.log.join().unwrap())
    }
}

/// What was told to the program, or by it to one client alone.
#[derive(Default)]
struct Canaries(Vec<String>);

impl Canaries {
    fn keep(&mut self, text: impl Into<String>) -> String {
        let text = text.into();
        self.0.push(text.clone());
        text
    }

    fn keep_session(&mut self, started: &Value) {
        for secret in ["/access_token", "/resume/secret"] {
            self.keep(started.pointer(secret).unwrap().as_str().unwrap());
        }
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        for canary in self.0.iter().map(String::as_str).chain(["canary"]) {
            let found = text.lines().find(|line| line.contains(canary));
            assert_eq!(found, None, "{canary} is in {place}");
        }
    }
}

/// The app's server: lets `HOST` in, keeps `EVE` out, and fails for everybody else.
async fn app_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async |body: axum::Json<Value>| match body["username"].as_str().unwrap() {
        HOST => (StatusCode::OK, json!({ "name": "canary-display-name" }).to_string()),
        EVE => (StatusCode::FORBIDDEN, json!({ "message": "canary-refusal" }).to_string()),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "canary-stack-trace".to_owned()),
    };
    let router = Router::new().route("/auth", post(answer));
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

fn config(webhook: SocketAddr) -> String {
    let secret = STANDARD.encode(WEBHOOK_SECRET);
    format!(
        r#"
[listen]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store.sqlite]
path = "facts.db"
[drain]
spread = "10ms"
[limits]
starts_per_s_per_address = 1000
[[apps]]
id = "shop"
guests = true
hs256_secrets = ["{APP_SECRET}"]
server_keys = ["{SERVER_KEY}"]
api_token = "{API_TOKEN}"
[apps.webhook]
url = "http://{webhook}/auth?key=canary-query"
allow_private = true
secret = "whsec_{secret}"
"#
    )
}

fn start(username: &str, credentials: &Value) -> Value {
    let mut start = start_of(username, &format!("instance-of-{username}"));
    (start["app"], start["credentials"]) = (json!("shop"), credentials.clone());
    start
}

fn token(mut claims: Value) -> String {
    let now = Clock::system().now().as_secs();
    (claims["iss"], claims["aud"]) = (json!("shop"), json!("stagedoor"));
    (claims["iat"], claims["exp"]) = (json!(now), json!(now + 600));
    let key = EncodingKey::from_secret(APP_SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
}

#[tokio::test]
async fn nothing_of_a_whole_run_is_in_its_log_or_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    std::fs::write(&path, config(app_server().await)).unwrap();
    let running = Running::with(&path);
    let mut canaries = Canaries::default();
    canaries.keep(STANDARD.encode(WEBHOOK_SECRET));

    deny(&running, &mut canaries).await;
    let (mut host, mut ada, started) = come_in(&running, &mut canaries).await;
    let stream = converse(&mut host, &mut ada, &mut canaries).await;
    moderate(&mut host, &mut ada, &stream).await;
    let ada = come_back(&running, ada, &started, &mut canaries).await;
    let told = administer(&running, &mut canaries).await;
    canaries.assert_absent("a problem told to somebody else", &told);

    assert_eq!(running.metrics_at(running.clients).await.0, 404, "clients are told no metrics");
    let (status, metrics) = running.metrics_at(running.admin).await;
    assert_eq!(status, 200);
    canaries.assert_absent("/metrics", &metrics);

    running.child.signal("-TERM");
    for mut client in [host, ada] {
        assert_eq!(client.closed().await.code, 4200);
    }
    let (stdout, log) = running.ended();
    canaries.assert_absent("the standard output", &stdout);
    canaries.assert_absent("the log", &log);
    for said in ["session opened", "connection ended", "auth webhook gave no answer", "draining"] {
        assert!(log.contains(said), "{said:?} is missing, so the log was not searched:\n{log}");
    }
}

/// Whatever is refused before there is a session.
async fn deny(running: &Running, canaries: &mut Canaries) {
    let forged = canaries.keep(format!("{}x", token(json!({ "scope": "session", "sub": EVE }))));
    for (code, credentials) in [
        (4003, json!({ "token": forged })),
        (4003, json!({ "params": { "password": "canary-password" } })),
        (4003, json!({ "params": { "api_token": "canary-wrong-api-token" } })),
    ] {
        let first = json!({ "id": 0, "start": start(EVE, &credentials) });
        assert_eq!(running.refused(&first.to_string()).await, code, "{credentials}");
    }
    let unknown = start("canary-name-unknown", &json!({ "params": { "password": "canary" } }));
    let unknown = json!({ "id": 0, "start": unknown }).to_string();
    assert_eq!(running.refused(&unknown).await, 4206);
    for (code, first) in [
        (4500, r#"{"id":0,"start":{"username":"canary-malformed","app":7}}"#),
        (4500, "canary-no-json"),
        (4502, r#"{"id":0,"canary_command":{}}"#),
        (4502, r#"{"id":0,"join":{"room":"canary-room"}}"#),
    ] {
        assert_eq!(running.refused(first).await, code, "{first}");
    }
}

/// A moderator by webhook, and a user by a session token: both are in a room.
async fn come_in(running: &Running, canaries: &mut Canaries) -> (Client, Client, Value) {
    let params = json!({ "params": { "password": "canary-password" } });
    let (mut host, started) = running.start(start(HOST, &params)).await;
    canaries.keep_session(&started);
    let session = canaries.keep(token(json!({ "scope": "session", "sub": ADA })));
    let (mut ada, started) = running.start(start(ADA, &json!({ "token": session }))).await;
    canaries.keep_session(&started);
    for (client, role) in [(&mut host, "moderator"), (&mut ada, "publisher")] {
        let claims = json!({ "scope": "room", "room": "lobby", "role": role,
            "data": "canary-connection-data", "app_moderator": true });
        let room = canaries.keep(token(claims));
        client.request("join", json!({ "room": "lobby", "token": room })).await.unwrap();
    }
    (host, ada, started)
}

/// Signals, streams and what goes wrong with them; the stream that was published.
async fn converse(host: &mut Client, ada: &mut Client, canaries: &mut Canaries) -> Value {
    let signal = json!({ "room": "lobby", "type": "canary-type", "data": "canary-signal-data" });
    ada.request("signal", signal).await.unwrap();
    let published = json!({ "room": "lobby", "stream": { "name": "canary-stream-name",
        "kind": "camera", "has_audio": true, "has_video": true } });
    let published = ada.request("publish", published).await.unwrap();
    let stream = published["published"]["stream"]["id"].clone();
    let subscribed = json!({ "stream": stream });
    host.request("subscribe", subscribed).await.unwrap();
    let to = published["published"]["stream"]["participant"].clone();
    let relay = json!({ "to": to, "stream": stream, "data": { "sdp": "canary-sdp" } });
    host.request("relay", relay).await.unwrap();
    let wrong = json!({ "room": "canary room", "type": "canary", "data": "canary-signal-data" });
    ada.request("signal", wrong).await.unwrap_err();
    let elsewhere = canaries.keep(token(json!({ "scope": "room", "room": "elsewhere" })));
    ada.request("join", json!({ "room": "lobby", "token": elsewhere })).await.unwrap_err();
    stream
}

/// Verbs that are done, and one that is refused.
async fn moderate(host: &mut Client, ada: &mut Client, stream: &Value) {
    let lock = json!({ "room": "lobby", "ref": "canary-ref" });
    ada.request("lock_room", lock).await.unwrap_err();
    host.request("force_mute", json!({ "stream": stream, "lock": true })).await.unwrap();
    host.request("ask_unmute", json!({ "stream": stream })).await.unwrap();
    let removal = json!({ "room": "lobby", "username": ADA, "reason": "canary-reason" });
    host.request("force_disconnect", removal).await.unwrap();
    ada.push("removed").await;
    let again = json!({ "room": "lobby", "data": "canary-connection-data" });
    ada.request("join", again).await.unwrap_err();
}

/// Renewals, and resumes after a lost connection; the session as it goes on.
async fn come_back(
    running: &Running,
    mut ada: Client,
    started: &Value,
    canaries: &mut Canaries,
) -> Client {
    ada.request("renew", json!({ "auth_token": "canary-no-token" })).await.unwrap_err();
    let session = canaries.keep(token(json!({ "scope": "session", "sub": ADA })));
    let renewed = ada.request("renew", json!({ "auth_token": session })).await.unwrap();
    canaries.keep(renewed["renewed"]["access_token"].as_str().unwrap());
    let last_seq = ada.last_seq;
    ada.cut().await;
    let resume = |secret: &Value| {
        let session = &started["session"]["id"];
        json!({ "id": 0, "resume": { "session": session, "secret": secret, "last_seq": last_seq } })
    };
    let wrong = resume(&json!("canary-wrong-secret")).to_string();
    assert_eq!(running.refused(&wrong).await, 4401);
    let mut ada = running.connect().await;
    ada.send(resume(&started["resume"]["secret"])).await;
    let resumed = ada.reply(0).await.unwrap();
    canaries.keep(resumed["resumed"]["resume"]["secret"].as_str().unwrap());
    ada
}

/// The server API, rightly and wrongly called; what those were told who had no key.
async fn administer(running: &Running, canaries: &mut Canaries) -> String {
    let (guest, started) = running.start(start(EVE, &json!({ "guest": {} }))).await;
    canaries.keep_session(&started);
    let ban = json!({ "for_ms": 60_000, "reason": "canary-reason" });
    let path = format!("users/{EVE}/ban");
    assert_eq!(running.api(SERVER_KEY, "POST", &path, ban.clone()).await.0, 200);
    drop(guest);
    let mut told = String::new();
    let server = canaries.keep(token(json!({ "scope": "session", "sub": ADA })));
    for bearer in ["sk_canary-of-somebody-else", &server] {
        let (status, problem) = running.api(bearer, "GET", "sessions", json!({})).await;
        assert_eq!(status, 401);
        told.push_str(&problem);
    }
    let wrong = json!({ "reason": 7, "canary_field": "canary" });
    assert_eq!(running.api(SERVER_KEY, "POST", &path, wrong).await.0, 400);
    let (status, problem) = running.api(SERVER_KEY, "DELETE", "users/nobody/ban", json!({})).await;
    assert_eq!(status, 404);
    told + &problem
}
