//! Streams: visibility, subscriptions, and media negotiation between publisher and subscriber.

use serde_json::{Value, json};

use crate::common::{Gateway, Person, Setup};

fn on(stream: &Value) -> Value {
    json!({ "stream": stream })
}

async fn three(gateway: &Gateway) -> (Person, Person, Person) {
    let ada = gateway.enter("ada", "publisher").await;
    let bob = gateway.enter("bob", "subscriber").await;
    let eve = gateway.enter("eve", "publisher").await;
    (ada, bob, eve)
}

#[tokio::test]
async fn stream_lifecycle_is_broadcast() {
    let gateway = Gateway::dev().await;
    let (mut ada, mut bob, _) = three(&gateway).await;
    let stream = json!({ "kind": "screen", "name": "slides", "has_audio": false, "has_video": true,
                         "layout_classes": ["full"] });
    let published = ada.does("publish", json!({ "room": "lobby", "stream": stream })).await;
    let mut stream = published["published"]["stream"].clone();
    assert_eq!(bob.push("stream_published").await["stream"], stream);
    assert_eq!((&stream["participant"], &stream["kind"]), (&ada.id(), &json!("screen")));
    let change = json!({ "stream": stream["id"], "has_video": false, "name": "notes",
                         "layout_classes": ["small"] });
    let updated = ada.does("update_stream", change).await;
    for (field, value) in [
        ("has_video", json!(false)),
        ("name", json!("notes")),
        ("layout_classes", json!(["small"])),
    ] {
        stream[field] = value;
    }
    assert_eq!(updated["updated"]["stream"], stream);
    assert_eq!(bob.push("stream_updated").await["stream"], stream);
    ada.does("unpublish", on(&stream["id"])).await;
    let ended = bob.push("stream_unpublished").await;
    assert_eq!((&ended["stream"], &ended["reason"]), (&stream["id"], &json!("unpublished")));
    let received = ada.received().await;
    assert!(
        received.iter().all(|(name, _)| !name.starts_with("stream_")),
        "its own replies say it"
    );
}

#[tokio::test]
async fn streams_end_with_their_owner_for_its_reason() {
    let gateway = Gateway::dev().await;
    let (mut ada, mut bob, _) = three(&gateway).await;
    let stream = ada.publish().await["id"].clone();
    ada.does("leave", json!({ "room": "lobby" })).await;
    let ended = bob.push("stream_unpublished").await;
    assert_eq!((&ended["stream"], &ended["reason"]), (&stream, &json!("left")));
    assert_eq!(bob.push("participant_left").await["reason"], "left");
}

#[tokio::test]
async fn publisher_sees_its_subscribers() {
    let gateway = Gateway::dev().await;
    let (mut ada, mut bob, mut eve) = three(&gateway).await;
    let stream = ada.publish().await["id"].clone();
    bob.does("subscribe", on(&stream)).await;
    bob.does("subscribe", on(&stream)).await;
    let received = ada.received_of("stream_subscribed").await;
    assert_eq!(received.len(), 1, "subscribing again changes nothing");
    assert_eq!((&received[0]["stream"], &received[0]["participant"]), (&stream, &bob.id()));
    bob.does("unsubscribe", on(&stream)).await;
    assert_eq!(ada.push("stream_unsubscribed").await["participant"], bob.id());
    bob.does("subscribe", on(&stream)).await;
    bob.does("leave", json!({ "room": "lobby" })).await;
    assert_eq!(ada.push("stream_unsubscribed").await["participant"], bob.id(), "leaving ends it");
    let received = eve.received().await;
    let is_private = |name: &str| name == "stream_subscribed" || name == "stream_unsubscribed";
    assert!(received.iter().all(|(name, _)| !is_private(name)), "{received:?}");
}

#[tokio::test]
async fn relays_pass_between_a_publisher_and_its_subscribers_alone() {
    let gateway = Gateway::dev().await;
    let (mut ada, mut bob, mut eve) = three(&gateway).await;
    let stream = ada.publish().await["id"].clone();
    let relay = |to: &Person| json!({ "to": to.id(), "stream": stream, "data": { "sdp": "v=0" } });
    let (to_ada, to_bob, to_eve) = (relay(&ada), relay(&bob), relay(&eve));
    assert_eq!(bob.fails("relay", to_ada.clone()).await, "not_subscribed");
    bob.does("subscribe", on(&stream)).await;
    bob.does("relay", to_ada.clone()).await;
    let heard = ada.push("relay").await;
    assert_eq!((&heard["from"], &heard["stream"]), (&bob.id(), &stream));
    assert_eq!(heard["data"], json!({ "sdp": "v=0" }));
    ada.does("relay", to_bob.clone()).await;
    assert_eq!(bob.push("relay").await["from"], ada.id());
    assert_eq!(eve.fails("relay", to_ada.clone()).await, "not_subscribed");
    assert_eq!(eve.fails("relay", to_bob).await, "not_subscribed");
    assert_eq!(ada.fails("relay", to_eve.clone()).await, "not_subscribed");
    assert_eq!(bob.fails("relay", to_eve).await, "not_subscribed");
    assert!(eve.received_of("relay").await.is_empty());
    bob.does("unsubscribe", on(&stream)).await;
    assert_eq!(bob.fails("relay", to_ada).await, "not_subscribed");
    let unknown = json!({ "to": "AAAAAAAAAAAAAAAAAAAAAA", "stream": stream, "data": 1 });
    assert_eq!(ada.fails("relay", unknown).await, "participant_not_found");
}

#[tokio::test]
async fn a_relay_holds_48_kib_and_no_more() {
    let gateway = Gateway::dev().await;
    let (mut ada, mut bob, _) = three(&gateway).await;
    let stream = ada.publish().await["id"].clone();
    bob.does("subscribe", on(&stream)).await;
    for (bytes, fits) in [(48 * 1024, true), (48 * 1024 + 1, false)] {
        let data = "x".repeat(bytes - 2);
        let relay = json!({ "to": ada.id(), "stream": stream, "data": data });
        match bob.request("relay", relay).await {
            Ok(_) => assert!(fits),
            Err(error) => assert_eq!((fits, &error["code"]), (false, &json!("too_large"))),
        }
    }
}

#[tokio::test]
async fn a_stream_is_its_owners_alone() {
    let gateway = Gateway::dev().await;
    let (mut ada, _, mut eve) = three(&gateway).await;
    let stream = ada.publish().await["id"].clone();
    let off = json!({ "stream": stream, "has_video": false });
    assert_eq!(eve.fails("update_stream", off).await, "not_owner");
    assert_eq!(eve.fails("unpublish", on(&stream)).await, "not_owner");
}

#[tokio::test]
async fn streams_of_a_participant_and_of_a_room_are_bounded() {
    let gateway = Setup::new().with(|config| {
        config.limits.streams_per_participant = 2;
        config.limits.streams_per_room = 3;
    });
    let gateway = gateway.run().await;
    let (mut ada, _, mut eve) = three(&gateway).await;
    let new = json!({ "room": "lobby", "stream": { "kind": "audio", "has_audio": true, "has_video": false } });
    ada.does("publish", new.clone()).await;
    ada.does("publish", new.clone()).await;
    assert_eq!(ada.fails("publish", new.clone()).await, "too_many_streams", "of a participant");
    eve.does("publish", new.clone()).await;
    assert_eq!(eve.fails("publish", new).await, "too_many_streams", "of the room");
}

#[tokio::test]
async fn a_tokens_layout_classes_are_those_of_streams_that_name_none() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "scope": "room", "room": "lobby", "layout_classes": ["stage"] });
    let token = gateway.token(claims);
    let mut ada = gateway.enter_with("ada", json!({ "room": "lobby", "token": token })).await;
    assert_eq!(ada.publish().await["layout_classes"], json!(["stage"]));
    let own = json!({ "kind": "screen", "has_audio": false, "has_video": true, "layout_classes": ["full"] });
    let published = ada.does("publish", json!({ "room": "lobby", "stream": own })).await;
    assert_eq!(published["published"]["stream"]["layout_classes"], json!(["full"]));
}
