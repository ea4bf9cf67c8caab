//! Each event, what it says, and who may read it.

use serde_json::{Value, json};
use stagedoor::config::{EventFilter, WebhookEndpoint};

use super::receiver::{Answer, Receiver, SECRETS, secret};
use super::{come_and_go, endpoint_at, of_bans, setup};
use crate::common::Client;

#[tokio::test]
async fn session_events_cover_start_and_end() {
    let mut receiver = Receiver::run(Answer::Status(204)).await;
    let gateway = setup(vec![endpoint_at("crm", receiver.url())]).run().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let now = json!(gateway.clock().wall());
    let delivered = receiver.event("session.started").await;
    let mut data = json!({
        "session": started["session"]["id"], "username": "ada", "guest": true,
        "instance": "instance-1", "started_ms": now,
    });
    assert_eq!(delivered["data"], data);
    assert_eq!((&delivered["app"], &delivered["at_ms"]), (&json!("demo"), &now));
    assert_eq!((delivered.get("room"), delivered.get("version")), (None, None));
    client.request("end", json!({})).await.unwrap();
    let ended = receiver.event("session.ended").await;
    (data["code"], data["reason"]) = (json!(1000), json!("normal"));
    assert_eq!(ended["data"], data);
    assert_ne!(ended["id"], delivered["id"]);
}

#[tokio::test]
async fn session_end_is_published_once() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = setup(vec![endpoint_at("crm", receiver.url())]).run().await;
    let (_ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.ban("ada").await;
    gateway.ban("ada").await;
    let delivered = [receiver.next().await, receiver.next().await, receiver.next().await];
    let last = receiver.next().await;
    let mut kinds: Vec<_> = delivered
        .iter()
        .chain([&last])
        .map(|delivered| delivered.event()["type"].clone())
        .collect();
    kinds.sort_by_key(Value::to_string);
    assert_eq!(kinds, ["session.ended", "session.started", "user.banned", "user.banned"]);
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0 && crm["delivered"] == 4).await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_ban_says_why_and_until_when() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    let body = json!({ "for_ms": 60_000, "reason": "spam" });
    gateway.api("POST", "users/eve/ban", Some(body)).await;
    let until = gateway.clock().wall().as_millis() + 60_000;
    let expected = json!({ "username": "eve", "reason": "spam", "until_ms": until });
    assert_eq!(receiver.event("user.banned").await["data"], expected);
    gateway.ban("eve").await;
    assert_eq!(receiver.event("user.banned").await["data"], json!({ "username": "eve" }));
}

#[tokio::test]
async fn room_events_cover_participants_and_streams() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let events = EventFilter::of(&["room.*", "participant.*", "stream.*"]).unwrap();
    let endpoint = WebhookEndpoint { events, ..endpoint_at("crm", receiver.url()) };
    let gateway = setup(vec![endpoint]).run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let (participant, session) = (ada.id(), ada.started["session"]["id"].clone());
    // Both are of one entry of the room's log, in any order.
    let mut delivered = [receiver.next().await.event(), receiver.next().await.event()];
    delivered.sort_by_key(|delivered| delivered["type"].to_string());
    let [joined, opened] = delivered;
    assert_eq!((&opened["type"], &opened["data"]), (&json!("room.opened"), &json!({})));
    let expected = json!({
        "participant": participant, "username": "ada", "session": session, "role": "publisher",
    });
    assert_eq!((&joined["type"], &joined["data"]), (&json!("participant.joined"), &expected));
    assert_eq!((&joined["room"], &joined["version"]), (&json!("lobby"), &opened["version"]));

    let stream = ada.publish().await;
    let published = receiver.event("stream.published").await;
    let expected = json!({
        "stream": stream["id"], "participant": participant, "username": "ada",
        "kind": "camera", "has_audio": true, "has_video": true,
    });
    assert_eq!(published["data"], expected);
    assert!(published["version"].as_u64() > joined["version"].as_u64());

    ada.does("leave", json!({ "room": "lobby" })).await;
    let mut delivered = [receiver.next().await, receiver.next().await, receiver.next().await]
        .map(|delivered| delivered.event());
    delivered.sort_by_key(|delivered| delivered["type"].to_string());
    let [left, ended, unpublished] = delivered;
    let expected = json!({
        "participant": participant, "username": "ada", "session": session, "reason": "left",
    });
    assert_eq!((&left["type"], &left["data"]), (&json!("participant.left"), &expected));
    assert_eq!((&ended["type"], &ended["data"]), (&json!("room.ended"), &json!({})));
    let expected = json!({
        "stream": stream["id"], "participant": participant, "username": "ada", "reason": "left",
    });
    assert_eq!(
        (&unpublished["type"], &unpublished["data"]),
        (&json!("stream.unpublished"), &expected)
    );
}

#[tokio::test]
async fn ended_room_publishes_once_with_all_leaves() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let events = ["room.ended", "participant.left", "stream.unpublished", "moderation.end_room"];
    let events = EventFilter::of(&events).unwrap();
    let endpoint = WebhookEndpoint { events, ..endpoint_at("crm", receiver.url()) };
    let gateway = setup(vec![endpoint]).run().await;
    let (mut host, _ada, _) = gateway.host_and_speaker().await;
    host.does("end_room", json!({ "room": "lobby" })).await;
    let mut delivered = Vec::new();
    for _ in 0..5 {
        delivered.push(receiver.next().await.event());
    }
    delivered.sort_by_key(|delivered| delivered["type"].to_string());
    let kinds: Vec<_> = delivered.iter().map(|delivered| delivered["type"].clone()).collect();
    let expected = [
        "moderation.end_room",
        "participant.left",
        "participant.left",
        "room.ended",
        "stream.unpublished",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(delivered[3]["data"], json!({ "by": { "participant": host.id() } }));
    for delivered in &delivered[1..] {
        let reason = delivered["data"].get("reason");
        assert!(reason.is_none_or(|reason| reason == "room_ended"), "{delivered}");
    }
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0 && crm["delivered"] == 5).await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn moderation_event_repeats_when_its_receipt_changes() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let events = EventFilter::of(&["moderation.*"]).unwrap();
    let endpoint = WebhookEndpoint { events, ..endpoint_at("crm", receiver.url()) };
    let gateway = setup(vec![endpoint]).run().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "stream": stream, "ref": "r-1" })).await;
    let first = receiver.event("moderation.force_mute").await;
    let data = &first["data"];
    assert_eq!(
        data["counts"],
        json!({ "enforced": 0, "pending": 1, "offline": 0, "declined": 0, "ignored": 0 })
    );
    assert_eq!((&data["username"], &data["ref"]), (&json!("host"), &json!("r-1")));
    assert_eq!((&data["target"]["stream"], &data["target"]["username"]), (&stream, &json!("ada")));
    gateway.advance(std::time::Duration::from_millis(40));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let last = receiver.event("moderation.force_mute").await;
    assert_eq!(last["data"]["counts"]["enforced"], 1);
    assert_eq!(last["data"]["elapsed_ms"], 40);
    assert_eq!(last["version"], first["version"]);
}

#[tokio::test]
async fn connection_data_goes_only_where_it_is_asked_for() {
    let mut plain = Receiver::run(Answer::Status(200)).await;
    let mut full = Receiver::run(Answer::Status(200)).await;
    let asking = WebhookEndpoint { connection_data: true, ..endpoint_at("full", full.url()) };
    let gateway = setup(vec![endpoint_at("plain", plain.url()), asking]).run().await;
    let token = gateway.room_token("publisher");
    let join = json!({ "room": "lobby", "token": token, "data": "seat-12" });
    gateway.enter_with("ada", join).await;
    let delivered =
        [plain.event("participant.joined").await, full.event("participant.joined").await];
    assert!(!delivered[0].to_string().contains("seat-12"), "{}", delivered[0]);
    assert_eq!(delivered[1]["connection_data"], "seat-12");
    assert_eq!(delivered[0]["id"], delivered[1]["id"], "it is one event");
}

#[tokio::test]
async fn a_message_is_signed_by_each_secret_and_by_no_other() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let secrets = SECRETS.iter().map(|bytes| secret(*bytes)).collect();
    let endpoint = WebhookEndpoint { secrets, ..of_bans("crm", &receiver) };
    let gateway = setup(vec![endpoint]).run().await;
    gateway.ban("eve").await;
    let request = receiver.next().await;
    assert_eq!(request.signed_by(SECRETS[0]), [true, false]);
    assert_eq!(request.signed_by(SECRETS[1]), [false, true]);
    assert_eq!(request.signed_by(b"a-third-secret-that-is-not-known"), [false, false]);
    assert_eq!(request.header("webhook-id"), request.event()["id"]);
    assert_eq!(request.header("webhook-timestamp"), gateway.clock().wall().as_secs().to_string());
    assert_eq!(request.header("content-type"), "application/json");
}

#[tokio::test]
async fn no_outbox_rows_without_endpoints() {
    let receiver = Receiver::run(Answer::Status(200)).await;
    for endpoints in [vec![], vec![of_bans("crm", &receiver)]] {
        let data = tempfile::tempdir().unwrap();
        let gateway = setup(endpoints).data(data.path()).run().await;
        let (mut host, _ada, _) = gateway.host_and_speaker().await;
        host.does("end_room", json!({ "room": "lobby" })).await;
        come_and_go(&gateway, "bob").await;
        gateway.stop().await;
        let db = rusqlite::Connection::open(data.path().join("stagedoor.db")).unwrap();
        let ever: i64 =
            db.query_row("SELECT count(*) FROM outbox_sizes", [], |row| row.get(0)).unwrap();
        assert_eq!(ever, 0);
    }
}
