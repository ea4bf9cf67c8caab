//! A session while its client is disconnected, and how others see it.

use std::time::Duration;

use serde_json::{Value, json};

use super::unhurried;
use crate::common::{Client, Gateway, Person};

/// As long as a lost session may be resumed.
const WINDOW: Duration = Duration::from_secs(30);
/// The interval in a room, by which a client that stays must be heard.
const INTERVAL: Duration = Duration::from_secs(10);

/// A host, and a publisher of a stream who was cut off: what it takes to resume, its participant and its stream.
async fn cast(gateway: &Gateway) -> (Person, (Value, u64), Value, Value) {
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let (id, stream) = (ada.id(), ada.publish().await["id"].clone());
    let cut = ada.cut().await;
    let link = host.push("participant_link").await;
    assert_eq!((&link["participant"], &link["link"]), (&id, &json!("suspended")));
    (host, cut, id, stream)
}

/// Lets time pass for a client that answers pings.
async fn wait(gateway: &Gateway, present: &mut Person, mut time: Duration) {
    while !time.is_zero() {
        let step = time.min(INTERVAL);
        gateway.advance(step);
        present.received().await;
        time -= step;
    }
}

fn of<'a>(received: &'a [(String, Value)], name: &str) -> Vec<&'a Value> {
    received.iter().filter(|(received, _)| received == name).map(|(_, push)| push).collect()
}

async fn say(host: &mut Person, n: u32) {
    host.does("signal", json!({ "room": "lobby", "type": "n", "data": n })).await;
}

#[tokio::test]
async fn who_is_away_is_still_there_and_then_live_again() {
    let gateway = unhurried().await;
    let (mut host, cut, id, stream) = cast(&gateway).await;
    let late = gateway.enter("late", "publisher").await;
    let room = &late.joined["room"];
    let people = room["participants"].as_array().unwrap();
    let ada = people.iter().find(|person| person["id"] == id).unwrap();
    assert_eq!(ada["link"], "suspended", "{ada}");
    assert_eq!(room["streams"][0]["id"], stream);
    wait(&gateway, &mut host, WINDOW.saturating_sub(Duration::from_millis(1))).await;
    Person::resume(&gateway, cut).await;
    let received = host.received().await;
    assert_eq!(of(&received, "participant_link")[0]["link"], "live");
    assert!(
        of(&received, "participant_left").is_empty()
            && of(&received, "stream_unpublished").is_empty()
    );
}

#[tokio::test]
async fn who_stays_away_leaves_once_when_the_window_ends() {
    let gateway = unhurried().await;
    let (mut host, (started, last_seq), id, stream) = cast(&gateway).await;
    wait(&gateway, &mut host, WINDOW).await;
    let ended = host.push("stream_unpublished").await;
    assert_eq!((&ended["stream"], &ended["reason"]), (&stream, &json!("network_lost")));
    let left = host.push("participant_left").await;
    assert_eq!((&left["participant"], &left["reason"]), (&id, &json!("network_lost")));
    // For as long again the answer says what became of it; then it is unknown.
    let closed = Client::resume_refused(&gateway, &started, last_seq).await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4400, &json!("start")));
    wait(&gateway, &mut host, WINDOW).await;
    assert_eq!(Client::resume_refused(&gateway, &started, last_seq).await.code, 4401);
    let received = host.received().await;
    assert!(of(&received, "participant_left").is_empty(), "once: {received:?}");
}

/// What ends a session while it is away.
#[derive(Clone, Copy, Debug)]
enum End {
    Ban,
    Kick,
    Delete,
    Revoke,
    Terminate,
    Replace,
}

#[tokio::test]
async fn ended_session_reports_its_end_until_the_window_passes() {
    for (end, reason, code) in [
        (End::Ban, "banned", 4011),
        (End::Kick, "force_disconnected", 4010),
        (End::Delete, "ended", 4012),
        (End::Revoke, "token_expired", 4101),
        (End::Terminate, "ended", 4015),
        (End::Replace, "replaced", 4013),
    ] {
        let gateway = unhurried().await;
        let claims = json!({ "rooms": { "*": "publisher" } });
        let admin =
            json!({ "scope": "room", "room": "lobby", "role": "moderator", "app_moderator": true });
        let token = gateway.token(admin);
        let mut host = gateway.enter_with("host", json!({ "room": "lobby", "token": token })).await;
        let ada = gateway.member("ada", claims.clone()).await;
        let id = ada.id();
        let (started, last_seq) = ada.cut().await;
        host.push("participant_link").await;
        say(&mut host, 1).await;
        match end {
            End::Ban => _ = gateway.api("POST", "users/ada/ban", None).await,
            End::Delete => _ = gateway.api("DELETE", "users/ada", None).await,
            End::Revoke => _ = gateway.api("POST", "users/ada/revoke", None).await,
            End::Terminate => {
                let session = started["session"]["id"].as_str().unwrap();
                gateway.api("DELETE", &format!("sessions/{session}"), None).await;
            }
            End::Kick => {
                let block = json!({ "for_ms": 60_000, "scope": "app" });
                let kick = json!({ "room": "lobby", "username": "ada", "block": block });
                host.does("force_disconnect", kick).await;
            }
            End::Replace => {
                gateway.registered("ada", "instance-of-ada", claims).await;
            }
        }
        let left = host.push("participant_left").await;
        assert_eq!((&left["participant"], &left["reason"]), (&id, &json!(reason)), "{end:?}");
        if matches!(end, End::Kick) {
            // By then her session has ended, too.
            host.durable_receipt().await;
        }
        wait(&gateway, &mut host, WINDOW.saturating_sub(Duration::from_millis(1))).await;
        let closed = Client::resume_refused(&gateway, &started, last_seq).await;
        assert_eq!(closed.code, code, "{end:?}");
        assert_eq!(closed.before.len(), 1, "{end:?}: the refusal alone: {:?}", closed.before);
        wait(&gateway, &mut host, Duration::from_secs(1)).await;
        let closed = Client::resume_refused(&gateway, &started, last_seq).await;
        assert_eq!(closed.code, 4401, "{end:?}: it is unknown by now");
        let received = host.received().await;
        assert!(of(&received, "participant_left").is_empty(), "{end:?}: {received:?}");
    }
}

#[tokio::test]
async fn room_kick_discards_missed_frames_of_that_room_only() {
    let gateway = unhurried().await;
    let mut host = gateway.enter("host", "moderator").await;
    host.does("join", json!({ "room": "hall" })).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.does("join", json!({ "room": "hall" })).await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    for room in ["lobby", "hall"] {
        host.does("signal", json!({ "room": room, "type": "n", "data": room })).await;
    }
    host.received().await;
    let kick = json!({ "room": "lobby", "username": "ada", "block": { "for_ms": 0 } });
    host.does("force_disconnect", kick).await;
    assert_eq!(host.push("participant_left").await["reason"], "force_disconnected");
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    let heard: Vec<_> = of(&received, "signal").iter().map(|signal| &signal["data"]).collect();
    assert_eq!(heard, ["hall"], "{received:?}");
    assert_eq!(of(&received, "removed").len(), 1);
}

#[tokio::test]
async fn demotion_while_away_discards_missed_frames() {
    let gateway = unhurried().await;
    let (mut host, cut, id, stream) = cast(&gateway).await;
    say(&mut host, 1).await;
    let role = json!({ "room": "lobby", "participant": id, "role": "subscriber" });
    host.does("set_role", role).await;
    assert_eq!(host.push("stream_unpublished").await["stream"], stream);
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    let changed = of(&received, "role_changed");
    assert_eq!(changed.len(), 1, "{received:?}");
    assert_eq!(changed[0]["capabilities"]["publish"], false);
    assert!(of(&received, "signal").is_empty(), "{received:?}");
    assert_eq!(
        of(&received, "room_reset").len(),
        1,
        "the room as it may be seen now: {received:?}"
    );
    assert_eq!(host.received_of("participant_left").await.len(), 0);
}

#[tokio::test]
async fn room_end_while_away_arrives_on_resume() {
    let gateway = unhurried().await;
    let (mut host, cut, ..) = cast(&gateway).await;
    say(&mut host, 1).await;
    host.does("end_room", json!({ "room": "lobby" })).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    assert_eq!(of(&received, "room_ended").len(), 1, "{received:?}");
    assert!(of(&received, "room_reset").is_empty(), "{received:?}");
}

#[tokio::test]
async fn room_mute_and_lift_while_away_arrive_in_order() {
    let gateway = unhurried().await;
    let (mut host, cut, _, stream) = cast(&gateway).await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    host.does("disable_force_mute", json!({ "room": "lobby" })).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    let muted: Vec<_> = of(&received, "mute_forced").iter().map(|mute| &mute["active"]).collect();
    assert_eq!(muted, [&json!(true), &json!(false)], "{received:?}");
    let on = json!({ "stream": stream, "has_audio": true });
    let now = ada.does("update_stream", on).await;
    assert_eq!(now["updated"]["stream"]["has_audio"], true, "it may speak again, by itself");
}
