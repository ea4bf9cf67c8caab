//! Promise 3: a session that resumes on another node receives each missed frame once and in order.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Client, Person};
use crate::nodes::Nodes;

async fn signal(person: &mut Person, n: u64) {
    person.does("signal", json!({ "room": "lobby", "type": "n", "data": n })).await;
}

/// The data of the signals that a client received so far.
async fn signals(person: &mut Person) -> Vec<u64> {
    let signals: Vec<Value> = person.received_of("signal").await;
    signals.iter().map(|signal| signal["data"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn missed_frames_come_once_and_in_order_on_the_other_node() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut guest = nodes.other.enter("guest", "moderator").await;
    let ada = nodes.one.enter("ada", "publisher").await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    for n in 0..10 {
        signal(if n % 2 == 0 { &mut host } else { &mut guest }, n).await;
    }
    let mut ada = Person::resume(&nodes.other, cut).await;
    assert_eq!(signals(&mut ada).await, (0..10).collect::<Vec<_>>());
    signal(&mut host, 10).await;
    signal(&mut guest, 11).await;
    ada.push("signal").await;
    ada.push("signal").await;
    assert!(signals(&mut ada).await.is_empty(), "nothing comes twice");
}

#[tokio::test]
async fn a_session_moves_back_and_forth_without_a_gap() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let ada = nodes.one.enter("ada", "publisher").await;
    let mut cut = ada.cut().await;
    let mut heard = Vec::new();
    for round in 0..6_u64 {
        host.push("participant_link").await;
        // Changes of a link are pushed at a limited rate.
        nodes.one.advance(Duration::from_secs(2));
        signal(&mut host, round).await;
        let gateway = if round % 2 == 0 { &nodes.other } else { &nodes.one };
        let (started, last_seq) = cut;
        let mut client = Client::connect(gateway).await;
        let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
        let resume = json!({ "session": session, "secret": secret, "last_seq": last_seq });
        client.send(json!({ "id": 0, "resume": resume })).await;
        let reply = client.hear().await;
        let resumed = reply.pointer("/ok/resumed").unwrap_or_else(|| panic!("refused: {reply}"));
        let mut started = started.clone();
        started["resume"]["secret"] = resumed["resume"]["secret"].clone();
        assert_eq!(host.push("participant_link").await["link"], "live");
        client.last_seq = last_seq;
        heard.push(client.push("signal").await["data"].as_u64().unwrap());
        let last_seq = client.last_seq;
        client.cut().await;
        cut = (started, last_seq);
    }
    assert_eq!(heard, (0..6).collect::<Vec<_>>());
    assert_eq!(nodes.live("ada"), 1);
}

#[tokio::test]
async fn a_wrong_secret_moves_nothing() {
    let nodes = Nodes::start().await;
    let ada = nodes.one.enter("ada", "publisher").await;
    let (started, last_seq) = ada.cut().await;
    let mut forged = started.clone();
    let secret = started["resume"]["secret"].as_str().unwrap();
    let (key, _) = secret.split_once('.').unwrap();
    forged["resume"]["secret"] = json!(format!("{key}.{}", "A".repeat(43)));
    assert_eq!(Client::resume_refused(&nodes.other, &forged, last_seq).await.code, 4401);
    let mut ada = Person::resume(&nodes.one, (started, last_seq)).await;
    signal(&mut ada, 1).await;
}
