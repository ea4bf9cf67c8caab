//! Requests and resumes while an auth hook decides.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Purpose};
use stagedoor::config::Drain;
use tokio::sync::Semaphore;

use crate::common::{Client, Setup, Survivor, start_of};

/// The numbers of `establishing` and `established`: what a client has seen after its start.
const SEEN: u64 = 2;

/// Admits renewals as they are permitted, and signals that they wait.
struct Renewals {
    asked: Semaphore,
    permitted: Semaphore,
}

impl Renewals {
    fn new() -> Arc<Self> {
        Arc::new(Self { asked: Semaphore::new(0), permitted: Semaphore::new(0) })
    }

    /// Waits until a renewal waits.
    async fn asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }
}

impl AuthHook for Renewals {
    fn name(&self) -> &'static str {
        "renewals"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        request.purpose == Purpose::Renew
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            self.asked.add_permits(1);
            self.permitted.acquire().await.unwrap().forget();
            Decision::Allow(Box::new(Authenticated::new(
                request.username.clone().unwrap(),
                AuthMethod::Guest,
            )))
        }
        .boxed()
    }
}

/// Asks for a resume that waits for the hook.
async fn waiting(url: &str, renewals: &Renewals, started: &Value) -> Client {
    let mut client = Client::connect_to(url, &[]).await;
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    let resume =
        json!({ "session": session, "secret": secret, "last_seq": SEEN, "auth_token": "a" });
    client.send(json!({ "id": 0, "resume": resume })).await;
    renewals.asked().await;
    client
}

#[tokio::test]
async fn waiting_resume_loses_to_a_newer_one() {
    let renewals = Renewals::new();
    let gateway = Setup::new().hook(Arc::<Renewals>::clone(&renewals)).run().await;
    let (ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    ada.cut().await;
    let mut late = waiting(&gateway.url(), &renewals, &started).await;
    let (mut ada, _) = Client::resume(&gateway, &started, SEEN).await;
    ada.request("postpone_renewal", json!({})).await.unwrap();
    renewals.permitted.add_permits(1);
    assert_eq!(late.closed().await.code, 4401, "its secret died meanwhile");
    assert!(ada.request("postpone_renewal", json!({})).await.is_ok());
}

#[tokio::test]
async fn waiting_resume_of_a_banned_user_is_rejected() {
    for (path, code) in [("users/ada/ban", 4011), ("users/ada/revoke", 4101)] {
        let renewals = Renewals::new();
        let gateway = Setup::new().hook(Arc::<Renewals>::clone(&renewals)).run().await;
        let (ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
        ada.cut().await;
        let mut late = waiting(&gateway.url(), &renewals, &started).await;
        gateway.api("POST", path, None).await;
        renewals.permitted.add_permits(1);
        assert_eq!(late.closed().await.code, code, "{path}");
    }
}

#[tokio::test]
async fn resume_while_draining_gets_retry_after() {
    let long = Duration::from_mins(10);
    let renewals = Renewals::new();
    let setup = Setup::new().hook(Arc::<Renewals>::clone(&renewals));
    let setup = setup.with(|config| config.drain = Drain { spread: long, deadline: long * 2 });
    let mut gateway = setup.run().await;
    let (_ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let mut silent = Client::connect(&gateway).await;
    let mut resuming = waiting(&gateway.url(), &renewals, &started).await;
    gateway.begin_stop();
    for client in [&mut silent, &mut resuming] {
        let closed = client.closed().await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (4200, &json!("retry")));
        assert!(closed.disconnect["retry_after_ms"].as_u64() > Some(0));
    }
}

#[tokio::test]
async fn a_number_that_is_pending_since_before_the_resume_is_not_free() {
    let renewals = Renewals::new();
    let gateway = Setup::new().hook(Arc::<Renewals>::clone(&renewals)).run().await;
    let mut ada = Survivor::start(&gateway.url(), start_of("ada", "instance-1")).await;
    let slow = ada.begin("renew", json!({ "auth_token": "slow" })).await;
    renewals.asked().await;
    ada.cut().await;
    let (mut client, resumed) = Client::resume(&gateway, &ada.started, SEEN).await;
    assert_eq!(resumed["pending"], json!([slow]));
    client.send(json!({ "id": slow, "postpone_renewal": {} })).await;
    assert_eq!(client.closed().await.code, 4503);
}

#[tokio::test]
async fn rate_limited_request_keeps_the_older_one_pending() {
    let renewals = Renewals::new();
    let setup = Setup::new().hook(Arc::<Renewals>::clone(&renewals));
    let gateway = setup.with(|config| config.limits.commands_burst = 1).run().await;
    let mut ada = Survivor::start(&gateway.url(), start_of("ada", "instance-1")).await;
    let slow = ada.begin("renew", json!({ "auth_token": "slow" })).await;
    renewals.asked().await;
    let hasty = json!({ "id": slow, "postpone_renewal": {} });
    let (mut client, resumed) = Client::resume(&gateway, &ada.started, SEEN).await;
    client.send(hasty).await;
    assert_eq!(client.reply(slow).await.unwrap_err()["code"], "rate_limited");
    client.cut().await;
    ada.started["resume"] = resumed["resume"].clone();
    let (mut client, resumed) = Client::resume(&gateway, &ada.started, SEEN + 1).await;
    assert_eq!(resumed["pending"], json!([slow]), "it still waits");
    renewals.permitted.add_permits(1);
    assert!(client.reply(slow).await.is_ok());
}
