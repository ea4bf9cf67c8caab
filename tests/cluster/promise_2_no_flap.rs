//! Promise 2: a session that resumes on another node has not left its rooms.

use serde_json::{Value, json};

use crate::common::Person;
use crate::nodes::Nodes;

/// The link changes and leaves that a client received.
async fn changes(person: &mut Person) -> Vec<Value> {
    let received = person.received().await;
    assert!(
        received.iter().all(|(name, _)| name != "participant_left"),
        "a participant left: {received:?}"
    );
    let links = received.into_iter().filter(|(name, _)| name == "participant_link");
    links.map(|(_, push)| push["link"].clone()).collect()
}

#[tokio::test]
async fn a_resume_on_the_other_node_is_seen_as_a_changed_link() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut guest = nodes.other.enter("guest", "subscriber").await;
    let ada = nodes.one.enter("ada", "publisher").await;
    let cut = ada.cut().await;
    assert_eq!(host.push("participant_link").await["link"], "suspended");
    assert_eq!(guest.push("participant_link").await["link"], "suspended");
    let mut ada = Person::resume(&nodes.other, cut).await;
    assert_eq!(host.push("participant_link").await["link"], "live");
    assert_eq!(guest.push("participant_link").await["link"], "live");
    // The session acts from the other node, as the same participant.
    ada.publish().await;
    host.push("stream_published").await;
    assert_eq!(changes(&mut host).await, Vec::<Value>::new());
    assert_eq!(changes(&mut guest).await, Vec::<Value>::new());
    assert_eq!(nodes.live("ada"), 1);
}

#[tokio::test]
async fn connected_session_moves_without_notifying_others() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let ada = nodes.one.enter("ada", "publisher").await;
    let (started, last_seq) = (ada.started.clone(), ada.last_seq);
    let mut older = ada.into_client();
    let mut newer = Person::resume(&nodes.other, (started, last_seq)).await;
    assert_eq!(older.closed().await.code, 4016);
    newer.does("signal", json!({ "room": "lobby", "type": "n", "data": 1 })).await;
    host.push("signal").await;
    assert_eq!(changes(&mut host).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_end_of_a_session_that_moved_is_seen_once() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let ada = nodes.one.enter("ada", "publisher").await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    let mut ada = Person::resume(&nodes.other, cut).await;
    ada.does("end", json!({})).await;
    assert_eq!(host.push("participant_left").await["reason"], "ended");
    assert_eq!(host.received_of("participant_left").await.len(), 0);
    assert_eq!(nodes.live("ada"), 0);
}
