//! Clients behind a proxy are identified by the forwarding header, and idle connections are limited.

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use stagedoor::auth::{AuthHook, AuthRequest, Decision, Denied};

use crate::common::raw::{Raw, upgrade};
use crate::common::{Client, Gateway, Setup, start_of};

const REQUEST: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A gateway that trusts this machine, and takes one connection that waits from each address.
async fn behind_a_proxy() -> Gateway {
    Setup::new()
        .behind_proxies()
        .with(|config| {
            config.limits.pending_connections_per_address = 1;
            config.limits.exempt_loopback = false;
        })
        .run()
        .await
}

async fn knock(gateway: &Gateway, forwarded: &str) -> (Raw, u16) {
    let mut raw = Raw::connect(gateway).await;
    raw.send(upgrade(&format!("X-Forwarded-For: {forwarded}\r\n"))).await;
    let status = raw.head().await.status();
    (raw, status)
}

#[tokio::test]
async fn places_are_of_the_forwarded_address() {
    let gateway = behind_a_proxy().await;
    let (_first, status) = knock(&gateway, "203.0.113.1").await;
    assert_eq!(status, 101);
    for (forwarded, expected) in [
        ("203.0.113.1", 429),
        ("198.51.100.7, 203.0.113.1", 429), // Its own invention stands in front.
        ("\", 203.0.113.1", 429),
        ("é, 203.0.113.1", 429),
        ("203.0.113.1, 127.0.0.9", 429), // Another trusted proxy is looked through.
    ] {
        assert_eq!(knock(&gateway, forwarded).await.1, expected, "{forwarded}");
    }
    assert_eq!(knock(&gateway, "203.0.113.2").await.1, 101);
}

#[tokio::test]
async fn a_header_that_cannot_be_read_makes_the_proxy_the_client() {
    let gateway = behind_a_proxy().await;
    let (_first, status) = knock(&gateway, "unknown").await;
    assert_eq!(status, 101);
    for junk in ["", "203.0.113.999", "\"203.0.113.1", "<script>", "::ffff:zz"] {
        assert_eq!(knock(&gateway, junk).await.1, 429, "{junk:?}");
    }
}

#[tokio::test]
async fn connections_of_a_proxy_may_idle() {
    let gateway = behind_a_proxy().await;
    let mut idle = [Raw::connect(&gateway).await, Raw::connect(&gateway).await];
    for raw in &mut idle {
        raw.send(REQUEST).await;
        let head = raw.head().await;
        assert_eq!((head.status(), head.header("connection")), (200, None));
    }
}

/// Remembers from where the last attempt came, and denies it.
#[derive(Default)]
struct Doorman(Mutex<Option<String>>);

impl AuthHook for Doorman {
    fn name(&self) -> &'static str {
        "doorman"
    }
    fn claims(&self, _: &AuthRequest) -> bool {
        true
    }
    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        *self.0.lock().unwrap() = Some(request.address.to_string());
        std::future::ready(Decision::Deny(Denied::guest())).boxed()
    }
}

#[tokio::test]
async fn hooks_see_the_forwarded_address_of_trusted_proxies_only() {
    for (trusted, expected) in [("127.0.0.1", "203.0.113.1"), ("10.0.0.0/8", "127.0.0.1")] {
        let doorman = Arc::new(Doorman::default());
        let proxies = vec![trusted.to_owned().try_into().unwrap()];
        let gateway = Setup::new()
            .with(|config| config.listen.trusted_proxies = proxies)
            .hook(doorman.clone())
            .run()
            .await;
        let headers = [("x-forwarded-for", "203.0.113.1")];
        let mut client = Client::connect_to(&gateway.url(), &headers).await;
        client.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
        client.closed().await;
        assert_eq!(doorman.0.lock().unwrap().as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn connections_that_only_speak_http_are_bounded_too() {
    let gateway = Setup::new()
        .with(|config| {
            config.limits.pending_connections_per_address = 1;
            config.limits.exempt_loopback = false;
        })
        .run()
        .await;
    let mut idle = Raw::connect(&gateway).await;
    for _ in 0..2 {
        idle.send(REQUEST).await;
        let head = idle.head().await;
        assert_eq!((head.status(), head.header("connection")), (200, None));
    }
    let mut second = Raw::connect(&gateway).await;
    second.send(REQUEST).await;
    let head = second.head().await;
    assert_eq!((head.status(), head.header("connection")), (200, Some("close")));
    second.ended().await;
    let mut third = Raw::connect(&gateway).await;
    third.send(upgrade("")).await;
    assert_eq!(third.head().await.status(), 429);
    third.ended().await;
    // Its own place is what the upgrade of the first one takes.
    idle.send(upgrade("")).await;
    assert_eq!(idle.head().await.status(), 101);
}
