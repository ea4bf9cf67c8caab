//! A close by the client: what its code does to the session.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::raw::masked;
use crate::common::{Client, Gateway, Person, Setup};

const SHORT: Duration = Duration::from_secs(10);
const WINDOW: Duration = Duration::from_secs(30);
const REST: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_secs(5);

/// Sends a close frame with this code, or without one.
async fn close(person: Person, code: Option<u16>) {
    let payload = code.map_or_else(Vec::new, |code| code.to_be_bytes().to_vec());
    let mut client = person.into_client();
    client.send_raw(&masked(0x88, &payload)).await;
    client.lost().await;
}

/// Moves the clock; the host stays connected.
async fn wait(gateway: &Gateway, host: &mut Person, time: Duration) {
    let mut left = time;
    while !left.is_zero() {
        host.does("postpone_renewal", json!({})).await;
        let step = left.min(STEP);
        gateway.advance(step);
        left -= step;
    }
}

/// Waits until a participant has left; the reason.
async fn left(host: &mut Person, id: &Value) -> Value {
    loop {
        let push = host.push("participant_left").await;
        if push["participant"] == *id {
            return push["reason"].clone();
        }
    }
}

#[tokio::test]
async fn code_of_the_clients_close_decides_how_long_it_is_suspended() {
    let gateway = Gateway::dev().await;
    let cases = [
        (Some(1000), None),
        (Some(1001), Some(SHORT)),
        (None, Some(SHORT)),
        (Some(3001), Some(SHORT)),
        (Some(3000), Some(WINDOW)),
        (Some(3002), Some(WINDOW)),
        (Some(1011), Some(WINDOW)),
        (Some(4010), Some(WINDOW)),
        (Some(4999), Some(WINDOW)),
        // A code that no close frame may carry.
        (Some(1006), Some(WINDOW)),
    ];
    for (n, (code, window)) in cases.into_iter().enumerate() {
        // Names of their own, because ended sessions are listed for a while.
        let (ada_name, eve_name) = (format!("ada-{n}"), format!("eve-{n}"));
        let mut host = gateway.enter(&format!("host-{n}"), "moderator").await;
        let ada = gateway.enter(&ada_name, "publisher").await;
        let eve = gateway.enter(&eve_name, "publisher").await;
        let (ada_id, eve_id) = (ada.id(), eve.id());
        close(ada, code).await;
        let Some(window) = window else {
            assert_eq!(left(&mut host, &ada_id).await, "ended", "{code:?}");
            continue;
        };
        gateway.suspended(&ada_name).await;
        close(eve, Some(1001)).await;
        gateway.suspended(&eve_name).await;
        wait(&gateway, &mut host, SHORT).await;
        if window == SHORT {
            assert_eq!(left(&mut host, &ada_id).await, "network_lost", "{code:?}");
            continue;
        }
        assert_eq!(left(&mut host, &eve_id).await, "network_lost");
        let lost = host.received_of("participant_left").await;
        assert!(lost.iter().all(|push| push["participant"] != ada_id), "{code:?}: {lost:?}");
        wait(&gateway, &mut host, REST).await;
        assert_eq!(left(&mut host, &ada_id).await, "network_lost", "{code:?}");
    }
}

#[tokio::test]
async fn window_of_a_page_that_goes_away_is_never_the_longer_one() {
    let gateway = Setup::new().with(|config| config.resume.window = STEP).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let id = ada.id();
    close(ada, Some(1001)).await;
    gateway.suspended("ada").await;
    wait(&gateway, &mut host, STEP).await;
    assert_eq!(left(&mut host, &id).await, "network_lost");
}

#[tokio::test]
async fn session_of_a_closed_page_is_resumed_within_its_window() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let last_seq = client.last_seq;
    client.send_raw(&masked(0x88, &3001_u16.to_be_bytes())).await;
    gateway.suspended("ada").await;
    gateway.advance(SHORT.saturating_sub(Duration::from_millis(1)));
    let (mut client, resumed) = Client::resume(&gateway, &started, last_seq).await;
    client.cut().await;
    gateway.suspended("ada").await;
    gateway.advance(SHORT);
    let started = json!({ "session": started["session"], "resume": resumed["resume"] });
    (client, _) = Client::resume(&gateway, &started, last_seq).await;
    client.close().await;
    client.lost().await;
    let closed = Client::resume_refused(&gateway, &started, last_seq).await;
    assert_eq!(closed.before[0]["error"]["code"], "resume_denied");
}

#[tokio::test]
async fn close_of_a_superseded_connection_changes_nothing() {
    let gateway = Gateway::dev().await;
    for code in [1000_u16, 1001, 3000] {
        let (mut former, started) = Client::guest(&gateway, "ada", "instance-1").await;
        let (mut client, _) = Client::resume(&gateway, &started, former.last_seq).await;
        former.send_raw(&masked(0x88, &code.to_be_bytes())).await;
        former.lost().await;
        assert!(client.request("renew", json!({})).await.is_ok(), "{code}");
        gateway.advance(SHORT);
        assert!(client.request("renew", json!({})).await.is_ok(), "{code}");
        client.request("end", json!({})).await.unwrap();
    }
}
