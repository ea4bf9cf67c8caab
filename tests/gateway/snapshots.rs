//! A snapshot, then changes: no gap and no duplicate while participants join and leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::common::{Client, Gateway, Person, Setup};

/// How many come and go, how often each, and how many look on.
const RESTLESS: usize = 20;
const ROUNDS: usize = 5;
const ONLOOKERS: usize = 6;

/// A room as a client knows it from a snapshot and the pushes after it.
struct View {
    version: u64,
    people: BTreeMap<String, Value>,
    streams: BTreeMap<String, Value>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn by_id(list: &Value) -> BTreeMap<String, Value> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|entry| (text(&entry["id"]), entry.clone())).collect()
}

impl View {
    fn of(snapshot: &Value) -> Self {
        Self {
            version: snapshot["version"].as_u64().unwrap(),
            people: by_id(&snapshot["participants"]),
            streams: by_id(&snapshot["streams"]),
        }
    }

    fn apply(&mut self, name: &str, push: &Value) {
        let Some(version) = push["version"].as_u64() else { return };
        assert!(version >= self.version, "{name} {version} after {}: {push}", self.version);
        self.version = version;
        match name {
            "participant_joined" => {
                let person = push["participant"].clone();
                let known = self.people.insert(text(&person["id"]), person);
                assert!(known.is_none(), "a duplicate: {push}");
            }
            "participant_left" => {
                let known = self.people.remove(&text(&push["participant"]));
                assert!(known.is_some(), "a gap: {push}");
            }
            "stream_published" => {
                let stream = push["stream"].clone();
                assert!(self.people.contains_key(&text(&stream["participant"])), "a gap: {push}");
                let known = self.streams.insert(text(&stream["id"]), stream);
                assert!(known.is_none(), "a duplicate: {push}");
            }
            "stream_updated" => {
                let stream = push["stream"].clone();
                let known = self.streams.insert(text(&stream["id"]), stream);
                assert!(known.is_some(), "a gap: {push}");
            }
            "stream_unpublished" => {
                let known = self.streams.remove(&text(&push["stream"]));
                assert!(known.is_some(), "a gap: {push}");
            }
            other => panic!("{other} was not expected: {push}"),
        }
    }
}

/// Comes, publishes, changes and goes, and comes to stay in the end.
async fn come_and_go(gateway: Arc<Gateway>, number: usize) -> Client {
    let (mut client, _) =
        Client::guest(&gateway, &format!("restless-{number}"), "instance-1").await;
    let lobby = json!({ "room": "lobby" });
    for round in 0..ROUNDS {
        client.request("join", lobby.clone()).await.unwrap();
        let new = json!({ "kind": "camera", "has_audio": true, "has_video": true });
        let body = json!({ "room": "lobby", "stream": new });
        let stream = client.request("publish", body).await.unwrap();
        let stream = stream["published"]["stream"]["id"].clone();
        let change = json!({ "stream": stream, "has_video": false });
        client.request("update_stream", change).await.unwrap();
        if round % 2 == 0 {
            client.request("unpublish", json!({ "stream": stream })).await.unwrap();
        }
        if round + 1 < ROUNDS {
            client.request("leave", lobby.clone()).await.unwrap();
        }
    }
    client
}

/// What a participant knows once nothing changes any more, and what there is to know.
async fn compare(onlooker: &mut Person) {
    let mut view = View::of(&onlooker.joined["room"]);
    for (name, push) in onlooker.received().await {
        view.apply(&name, &push);
    }
    let roster = onlooker.does("roster", json!({ "room": "lobby" })).await["roster"].clone();
    assert_eq!(view.people, by_id(&roster["participants"]));
    assert_eq!(view.streams, by_id(&roster["streams"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_while_others_come_and_go_sees_the_room_as_it_is() {
    let gateway = Setup::new().with(|config| {
        config.limits.joins_per_s = 1_000;
        config.limits.commands_burst = 10_000;
    });
    let gateway = Arc::new(gateway.run().await);
    let restless: Vec<_> = (0..RESTLESS)
        .map(|number| tokio::spawn(come_and_go(Arc::clone(&gateway), number)))
        .collect();
    let mut onlookers = Vec::new();
    for number in 0..ONLOOKERS {
        // Subscribers, which have no streams: the others' are what is compared.
        onlookers.push(gateway.enter(&format!("onlooker-{number}"), "subscriber").await);
    }
    let _restless: Vec<Client> = join_all(restless).await.into_iter().map(Result::unwrap).collect();
    for onlooker in &mut onlookers {
        compare(onlooker).await;
    }
}
