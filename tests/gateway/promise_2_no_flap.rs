//! Promise 2: others see a session that resumes within its window as `suspended`, then `live`, and never as left.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Gateway, Person};

/// How many times the connection is lost.
const LOSSES: usize = 5;
/// The keepalive interval in rooms: the host answers a ping in each step and stays connected.
const STEP: Duration = Duration::from_secs(10);

/// The links that `participant_link` pushes announce, and the names of pushes about leaving or joining.
fn flaps(received: &[(String, Value)]) -> (Vec<&Value>, Vec<&str>) {
    let links = received.iter().filter(|(name, _)| name == "participant_link");
    let left = ["participant_left", "participant_joined", "stream_unpublished", "stream_published"];
    let names = received.iter().map(|(name, _)| name.as_str()).filter(|name| left.contains(name));
    (links.map(|(_, link)| &link["link"]).collect(), names.collect())
}

#[tokio::test]
async fn resumed_session_is_never_announced_as_left() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.publish().await;
    host.push("stream_published").await;
    for loss in 0..LOSSES {
        let cut = ada.cut().await;
        assert_eq!(host.push("participant_link").await["link"], "suspended", "loss {loss}");
        ada = Person::resume(&gateway, cut).await;
        let received = host.received().await;
        assert_eq!(flaps(&received), (vec![&json!("live")], vec![]), "loss {loss}: {received:?}");
        // Pushes of a link that changes more often are delayed.
        gateway.advance(Duration::from_secs(2));
    }
    assert!(
        ada.request("signal", json!({ "room": "lobby", "type": "a", "data": 1 })).await.is_ok()
    );
}

#[tokio::test]
async fn session_that_does_not_resume_is_announced_as_left_once() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let id = ada.id();
    ada.cut().await;
    host.push("participant_link").await;
    for _ in 0..3 {
        assert!(host.received_of("participant_left").await.is_empty());
        gateway.advance(STEP);
    }
    let left = host.push("participant_left").await;
    assert_eq!((&left["participant"], &left["reason"]), (&id, &json!("network_lost")));
    assert!(host.received_of("participant_left").await.is_empty());
}
