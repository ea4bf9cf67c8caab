//! Half-open connections.

use std::time::Duration;

use serde_json::json;

use super::unhurried;
use crate::common::proxy::{At, Fault, Proxy, Strike, Way};
use crate::common::{Client, Gateway, Person, Survivor, start_of};

/// The interval and the timeout in a room.
const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);

/// A host in `lobby`, and a participant there behind a proxy.
async fn cast(gateway: &Gateway) -> (Person, Survivor, Proxy) {
    let mut host = gateway.enter("host", "moderator").await;
    let proxy = Proxy::passing(gateway).await;
    let mut ada = Survivor::start(&proxy.url(), start_of("ada", "instance-of-ada")).await;
    ada.does("join", json!({ "room": "lobby" })).await;
    host.received().await;
    (host, ada, proxy)
}

fn is_connected(gateway: &Gateway, username: &str) -> bool {
    let sessions = gateway.hub().sessions.list("demo");
    let mut of_user =
        sessions.iter().filter(|session| session.user().username.as_str() == username);
    of_user.next().unwrap().status().1
}

#[tokio::test]
async fn stalled_connection_times_out_and_gets_its_reason() {
    let gateway = unhurried().await;
    let (mut host, mut ada, proxy) = cast(&gateway).await;
    for way in [Way::Up, Way::Down] {
        proxy.hold(way);
    }
    gateway.advance(INTERVAL);
    host.push("ping").await; // All that are due are pinged in one sweep.
    host.received().await;
    assert!(is_connected(&gateway, "ada"), "it has as long as its timeout says");
    gateway.advance(TIMEOUT);
    assert_eq!(host.push("participant_link").await["link"], "suspended");

    proxy.release(Way::Down);
    ada.hear_out().await;
    let received = ada.heard_of("disconnect");
    assert_eq!((&received[0]["code"], &received[0]["action"]), (&json!(4301), &json!("resume")));
    assert_eq!(ada.heard_of("ping").len(), 1);
    ada.resume(&gateway.url()).await;
    assert_eq!(host.push("participant_link").await["link"], "live");
    assert!(host.received_of("participant_left").await.is_empty());
    ada.check_numbers();
}

#[tokio::test]
async fn who_resumes_over_a_stalled_connection_is_never_seen_away() {
    let gateway = unhurried().await;
    let (mut host, mut ada, proxy) = cast(&gateway).await;
    for way in [Way::Up, Way::Down] {
        proxy.hold(way);
    }
    let asked =
        ada.begin("signal", json!({ "room": "lobby", "type": "n", "data": 1, "ref": "a" })).await;
    host.does("signal", json!({ "room": "lobby", "type": "n", "data": 2 })).await;
    let mut older = ada.replace(&gateway.url()).await;
    let resumed = ada.come_back().await;
    assert_eq!(resumed["pending"], json!([]), "the gateway never got it");
    assert!(ada.replies(asked).is_empty());
    assert_eq!(ada.heard_of("signal").len(), 1);
    ada.does("signal", json!({ "room": "lobby", "type": "n", "data": 1, "ref": "a" })).await;

    // What the older connection said comes late, and means nothing; it gets the reason.
    proxy.release(Way::Up);
    proxy.release(Way::Down);
    assert_eq!(older.closed_or_lost().await, Some(4016));
    ada.catch_up().await;
    ada.check_numbers();
    let received = host.received().await;
    assert_eq!(received.iter().filter(|(name, _)| name == "signal").count(), 1, "{received:?}");
    let is_link = |name: &str| ["participant_link", "participant_left"].contains(&name);
    assert!(received.iter().all(|(name, _)| !is_link(name)), "{received:?}");
}

#[tokio::test]
async fn what_is_delayed_comes_late_whole_and_in_order() {
    let gateway = unhurried().await;
    let (mut host, mut ada, proxy) = cast(&gateway).await;
    proxy.hold(Way::Down);
    let asked = ada.begin("postpone_renewal", json!({})).await;
    for n in 0..100 {
        host.does("signal", json!({ "room": "lobby", "type": "n", "data": n })).await;
    }
    assert!(ada.replies(asked).is_empty());
    proxy.release(Way::Down);
    ada.reply(asked).await;
    ada.catch_up().await;
    let heard: Vec<u64> =
        ada.heard_of("signal").iter().map(|received| received["data"].as_u64().unwrap()).collect();
    assert_eq!(heard, (0..100).collect::<Vec<_>>());
    ada.check_numbers();
}

#[tokio::test]
async fn what_stalls_within_a_frame_goes_on_where_it_was() {
    let gateway = unhurried().await;
    for (way, text) in [(Way::Up, "\"signal\""), (Way::Down, "\"sent\"")] {
        for passing in [0, 1, 2, 7, 20] {
            let strike = Strike { way, at: At::Text(text), passing, fault: Fault::Hold };
            let mut proxy = Proxy::striking(&gateway, strike).await;
            let mut ada = Survivor::start(&proxy.url(), start_of("ada", "instance-of-ada")).await;
            ada.does("join", json!({ "room": "lobby" })).await;
            let signal = json!({ "room": "lobby", "type": "n", "data": 1 });
            let asked = ada.begin("signal", signal).await;
            proxy.struck().await;
            let then = ada.begin("postpone_renewal", json!({})).await;
            proxy.release(way);
            assert!(ada.reply(asked).await.get("ok").is_some(), "{way:?} {passing}");
            ada.reply(then).await;
            ada.check_numbers();
        }
    }
}

#[tokio::test]
async fn a_refused_resume_is_no_sign_of_life() {
    let gateway = unhurried().await;
    let (mut host, ada, proxy) = cast(&gateway).await;
    for way in [Way::Up, Way::Down] {
        proxy.hold(way);
    }
    gateway.advance(INTERVAL);
    host.push("ping").await;
    host.received().await;
    assert_eq!(Client::resume_refused(&gateway, &ada.started, 1_000).await.code, 4401);
    gateway.advance(TIMEOUT);
    assert_eq!(host.push("participant_link").await["link"], "suspended");
}
