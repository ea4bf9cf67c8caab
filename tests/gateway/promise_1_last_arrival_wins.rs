//! Promise 1: of racing attempts the one that arrived last wins, and one whose client is gone changes nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Purpose};
use stagedoor::config::DuplicatePolicy;
use stagedoor::engine::Local;
use stagedoor_proto::Credentials;
use tokio::sync::Semaphore;

use crate::common::{Client, FailingRepetition, Gateway, Setup, start_of};

/// The numbers of `establishing` and `established`.
const SEEN: u64 = 2;
/// Between two arrivals.
const STEP: Duration = Duration::from_millis(1);

/// Decides starts with `params`, and renewals with a token. Those that are called `slow` wait.
#[derive(Default)]
struct GatedHook {
    asked: Signal,
    permitted: Signal,
    dropped: Signal,
}

struct Signal(Semaphore);

impl Default for Signal {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Signal {
    fn send(&self) {
        self.0.add_permits(1);
    }

    async fn wait(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// Reports a call whose caller did not wait for it.
struct ReportDrop<'a>(Option<&'a Signal>);

impl Drop for ReportDrop<'_> {
    fn drop(&mut self) {
        if let Some(dropped) = self.0 {
            dropped.send();
        }
    }
}

impl AuthHook for GatedHook {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        request.purpose == Purpose::Renew || matches!(request.credentials, Credentials::Params(_))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            let is_slow = match &request.credentials {
                Credentials::Params(params) => params.as_json().contains("slow"),
                Credentials::Token(token) => token.as_str() == "slow",
                Credentials::Guest {} => false,
            };
            if is_slow {
                let mut report = ReportDrop(Some(&self.dropped));
                self.asked.send();
                self.permitted.wait().await;
                report.0 = None;
            }
            let (username, method) =
                (request.username.clone().unwrap(), AuthMethod::Hook { issued: None });
            let mut authenticated = Authenticated::new(username, method);
            if request.purpose == Purpose::Renew {
                authenticated.grant.scopes = Some(["join".to_owned()].into_iter().collect());
            }
            Decision::Allow(Box::new(authenticated))
        }
        .boxed()
    }
}

async fn gated() -> (Gateway, Arc<GatedHook>) {
    let hook = Arc::<GatedHook>::default();
    (Setup::new().hook(Arc::<GatedHook>::clone(&hook)).run().await, hook)
}

fn params_start(speed: &str) -> Value {
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": { "speed": speed } });
    start
}

/// A start that waits for the hook.
async fn waiting_start(gateway: &Gateway, hook: &GatedHook) -> Client {
    let mut client = Client::connect(gateway).await;
    client.send(json!({ "id": 0, "start": params_start("slow") })).await;
    hook.asked.wait().await;
    gateway.advance(STEP);
    client
}

/// A resume that waits for the hook.
async fn waiting_resume(gateway: &Gateway, hook: &GatedHook, started: &Value) -> Client {
    let mut client = Client::connect(gateway).await;
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    let resume =
        json!({ "session": session, "secret": secret, "last_seq": SEEN, "auth_token": "slow" });
    client.send(json!({ "id": 0, "resume": resume })).await;
    hook.asked.wait().await;
    gateway.advance(STEP);
    client
}

/// Ends a connection in one of the ways in which clients do.
async fn end(mut client: Client, by_close_frame: bool) {
    if by_close_frame {
        client.close().await;
        client.lost().await;
    } else {
        client.cut().await;
    }
}

/// Asserts that a session goes on: it is served, and its tokens are valid.
async fn assert_live(client: &mut Client) {
    client.request("renew", json!({})).await.unwrap();
}

#[tokio::test]
async fn dead_start_displaces_no_session() {
    for by_close_frame in [false, true] {
        let (gateway, hook) = gated().await;
        let dead = waiting_start(&gateway, &hook).await;
        end(dead, by_close_frame).await;
        let (mut ada, _) = Client::start(&gateway, params_start("fast")).await;
        hook.dropped.wait().await;
        assert_live(&mut ada).await;
        assert_eq!(gateway.hub().sessions.list("demo").len(), 1);
    }
}

#[tokio::test]
async fn dead_start_leaves_an_older_session_alone() {
    let (gateway, hook) = gated().await;
    let (mut ada, _) = Client::start(&gateway, params_start("fast")).await;
    let dead = waiting_start(&gateway, &hook).await;
    end(dead, false).await;
    hook.dropped.wait().await;
    assert_live(&mut ada).await;
}

#[tokio::test]
async fn dead_start_is_noticed_behind_pipelined_frames() {
    let (gateway, hook) = gated().await;
    let mut dead = waiting_start(&gateway, &hook).await;
    for id in 1..20 {
        dead.send(json!({ "id": id, "postpone_renewal": {} })).await;
    }
    end(dead, true).await;
    hook.dropped.wait().await;
    assert!(gateway.hub().sessions.list("demo").is_empty());
}

#[tokio::test]
async fn pipelined_frames_are_served_after_a_slow_start() {
    let (gateway, hook) = gated().await;
    let mut ada = waiting_start(&gateway, &hook).await;
    let asked = ada.begin("renew", json!({})).await;
    hook.permitted.send();
    ada.reply(asked).await.unwrap();
}

/// The session goes on, and its access token starts the next one.
async fn assert_keeps_tokens(gateway: &Gateway, mut ada: Client, started: &Value) {
    assert_live(&mut ada).await;
    ada.cut().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": started["access_token"] });
    Client::start(gateway, start).await;
}

#[tokio::test]
async fn slow_start_loses_to_a_later_one() {
    let (gateway, hook) = gated().await;
    let mut slow = waiting_start(&gateway, &hook).await;
    let (ada, started) = Client::start(&gateway, params_start("fast")).await;
    hook.permitted.send();
    assert_eq!(slow.closed().await.code, 4013);
    assert_keeps_tokens(&gateway, ada, &started).await;
}

#[tokio::test]
async fn slow_start_loses_to_a_later_resume() {
    let (gateway, hook) = gated().await;
    let (ada, started) = Client::start(&gateway, params_start("fast")).await;
    ada.cut().await;
    let mut slow = waiting_start(&gateway, &hook).await;
    let (mut ada, _) = Client::resume(&gateway, &started, SEEN).await;
    hook.permitted.send();
    assert_eq!(slow.closed().await.code, 4013);
    assert_live(&mut ada).await;
}

#[tokio::test]
async fn slow_start_beats_an_earlier_one() {
    let (gateway, hook) = gated().await;
    let (mut first, _) = Client::start(&gateway, params_start("fast")).await;
    gateway.advance(STEP);
    let mut slow = waiting_start(&gateway, &hook).await;
    hook.permitted.send();
    assert_eq!(first.closed().await.code, 4013);
    slow.push("session_state").await;
    assert_eq!(slow.push("session_state").await["state"], "established");
    assert_live(&mut slow).await;
}

#[tokio::test]
async fn dead_resume_takes_no_session() {
    for by_close_frame in [false, true] {
        let (gateway, hook) = gated().await;
        let (ada, started) = Client::start(&gateway, params_start("fast")).await;
        ada.cut().await;
        let dead = waiting_resume(&gateway, &hook, &started).await;
        end(dead, by_close_frame).await;
        let (mut ada, _) = Client::resume(&gateway, &started, SEEN).await;
        hook.dropped.wait().await;
        assert_live(&mut ada).await;
    }
}

#[tokio::test]
async fn dead_resume_leaves_the_live_connection_alone() {
    let (gateway, hook) = gated().await;
    let (mut ada, started) = Client::start(&gateway, params_start("fast")).await;
    let dead = waiting_resume(&gateway, &hook, &started).await;
    end(dead, false).await;
    hook.dropped.wait().await;
    assert_live(&mut ada).await;
}

/// The next start with the session's access token has what its family grants.
#[tokio::test]
async fn overtaken_resume_changes_no_grant() {
    let (gateway, hook) = gated().await;
    let (ada, started) = Client::start(&gateway, params_start("fast")).await;
    ada.cut().await;
    let mut slow = waiting_resume(&gateway, &hook, &started).await;
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    let resume = json!({ "session": session, "secret": secret, "last_seq": SEEN });
    let mut later = Client::connect(&gateway).await;
    later.send(json!({ "id": 0, "resume": resume })).await;
    let resumed = later.reply(0).await.unwrap()["resumed"].clone();
    later.request("ping", json!({})).await.unwrap();
    hook.permitted.send();
    assert_eq!(slow.closed().await.code, 4401);
    assert_eq!(resumed["scopes"], started["scopes"]);
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": started["access_token"] });
    let (_, again) = Client::start(&gateway, start).await;
    assert_eq!(again["scopes"], started["scopes"]);
}

#[tokio::test]
async fn slow_resume_loses_to_a_later_start() {
    let (gateway, hook) = gated().await;
    let (ada, started) = Client::start(&gateway, params_start("fast")).await;
    ada.cut().await;
    let mut slow = waiting_resume(&gateway, &hook, &started).await;
    let (mut ada, _) = Client::start(&gateway, params_start("fast")).await;
    hook.permitted.send();
    assert_eq!(slow.closed().await.code, 4013);
    assert_live(&mut ada).await;
}

/// A reload during the admission has the start decided again, and the store fails then.
#[tokio::test]
async fn start_that_fails_when_repeated_is_withdrawn() {
    let admissions = FailingRepetition::default();
    let mut setup = Setup::new();
    let engine = Arc::new(Local::new(setup.test_clock(), 0));
    setup.joined = Some((admissions.store().await, engine));
    let gateway = setup.run().await;
    let (ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    admissions.arm();
    let mut rival = Client::connect(&gateway).await;
    rival.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    admissions.asked().await;
    gateway.reload(|config| config.apps[0].access_ttl = Duration::from_hours(1));
    admissions.release();
    assert_eq!(rival.closed().await.code, 4201);
    assert_keeps_tokens(&gateway, ada, &started).await;
}

/// The start waits for the holder's answer to a ping.
#[tokio::test]
async fn token_that_expires_during_a_probe_starts_no_session() {
    let setup =
        Setup::new().with(|config| config.apps[0].duplicate_policy = DuplicatePolicy::RejectNew);
    let gateway = setup.run().await;
    let (mut holder, _) = gateway.registered("ada", "instance-1", json!({})).await;
    let claims = json!({ "scope": "session", "sub": "ada", "ttl_s": 5 });
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": gateway.token(claims) });
    let mut rival = Client::connect(&gateway).await;
    rival.send(json!({ "id": 0, "start": start })).await;
    holder.push("ping").await;
    gateway.advance(Duration::from_secs(5));
    assert_eq!(rival.closed().await.code, 4100);
}

#[tokio::test]
async fn dead_start_evicts_no_protected_session() {
    let setup =
        Setup::new().with(|config| config.apps[0].duplicate_policy = DuplicatePolicy::RejectNew);
    let gateway = setup.run().await;
    let (mut holder, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let mut rival = Client::connect(&gateway).await;
    rival.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    holder.push("ping").await;
    rival.close().await;
    // The gateway closes its side when the probe is over, which the holder did not answer.
    rival.lost().await;
    assert_live(&mut holder).await;
}
