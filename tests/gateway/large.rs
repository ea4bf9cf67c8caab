//! Large rooms: beyond the roster limit, clients receive counts instead of most participants.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Gateway, Person, Setup};

/// A gateway whose rooms are large beyond four participants.
async fn gateway() -> Gateway {
    let setup = Setup::new().with(|config| {
        config.apps[0].roster_limit = 4;
        config.keepalive.room_interval = Duration::from_hours(1);
    });
    setup.run().await
}

async fn crowd(gateway: &Gateway, from: usize, to: usize) -> Vec<Person> {
    let mut crowd = Vec::new();
    for n in from..to {
        crowd.push(gateway.enter(&format!("guest-{n}"), "publisher").await);
    }
    crowd
}

fn ids(list: &Value) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|person| person["id"].clone()).collect()
}

#[tokio::test]
async fn crossing_the_roster_limit_resets_the_room_for_all() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut crowd = crowd(&gateway, 0, 3).await;
    let stream = crowd[0].publish().await["id"].clone();
    host.received().await;
    let last = gateway.enter("last", "publisher").await;
    let listed = [host.id(), crowd[0].id()];
    let mut snapshots = vec![last.joined["room"].clone()];
    for person in crowd.iter_mut().chain([&mut host]) {
        let resets = person.received_of("room_reset").await;
        assert_eq!(resets.len(), 1);
        snapshots.push(resets[0]["snapshot"].clone());
    }
    for snapshot in snapshots {
        assert_eq!(snapshot["is_large"], true);
        assert_eq!(snapshot["counts"], json!({ "participants": 5, "publishers": 1, "streams": 1 }));
        let mut shown = ids(&snapshot["participants"]);
        shown.sort_by_key(ToString::to_string);
        let mut expected = listed.to_vec();
        expected.sort_by_key(ToString::to_string);
        assert_eq!(shown, expected, "moderators and those with a stream");
        assert_eq!(snapshot["streams"][0]["id"], stream);
    }
}

#[tokio::test]
async fn a_large_room_is_small_again_below_half_of_the_limit() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut crowd = crowd(&gateway, 0, 4).await;
    host.received().await;
    gateway.advance(Duration::from_mins(1));
    for (left, is_small) in [(4, false), (3, false), (2, false), (1, true)] {
        crowd.pop().unwrap().does("leave", json!({ "room": "lobby" })).await;
        let resets = host.received_of("room_reset").await;
        assert_eq!(!resets.is_empty(), is_small, "{left} are left");
        if is_small {
            assert_eq!(ids(&resets[0]["snapshot"]["participants"]), [host.id()]);
        }
    }
}

#[tokio::test]
async fn a_room_stays_large_for_a_minute() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    for mut person in crowd(&gateway, 0, 4).await {
        person.does("leave", json!({ "room": "lobby" })).await;
    }
    assert_eq!(host.received_of("room_reset").await.len(), 1, "it became large");
    gateway.advance(Duration::from_mins(1));
    assert_eq!(host.push("room_reset").await["snapshot"].get("is_large"), None);
}

#[tokio::test]
async fn counts_come_at_most_once_a_second() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let _first = crowd(&gateway, 0, 4).await;
    host.received().await;
    let _second = crowd(&gateway, 4, 7).await;
    assert!(host.received().await.is_empty(), "neither names nor numbers yet");
    gateway.advance(Duration::from_secs(1));
    assert_eq!(host.push("counts").await["counts"]["participants"], 8);
    assert!(host.received_of("counts").await.is_empty());
}

#[tokio::test]
async fn who_publishes_or_moderates_in_a_large_room_is_introduced() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut crowd = crowd(&gateway, 0, 5).await;
    host.received().await;
    let stream = crowd[0].publish().await["id"].clone();
    let received = host.received().await;
    let names: Vec<&str> = received.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["participant_joined", "stream_published"]);
    assert_eq!(received[0].1["participant"]["id"], crowd[0].id());
    assert_eq!(received[1].1["stream"]["id"], stream);
    let before = crowd[1].received_of("participant_joined").await.pop().unwrap();
    assert_eq!(before["participant"]["username"], "guest-0");
    let second = gateway.enter("second", "moderator").await;
    assert_eq!(crowd[1].push("participant_joined").await["participant"]["id"], second.id());
}

#[tokio::test]
async fn a_moderator_sees_everybody_in_the_roster_of_a_large_room() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut crowd = crowd(&gateway, 0, 6).await;
    let roster = host.does("roster", json!({ "room": "lobby" })).await["roster"].clone();
    assert_eq!(roster["participants"].as_array().unwrap().len(), 7);
    assert_eq!(roster["next"], Value::Null);
    let roster = crowd[0].does("roster", json!({ "room": "lobby" })).await["roster"].clone();
    assert_eq!(ids(&roster["participants"]), [host.id()], "others see who is listed");
    let again = host.request("roster", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(
        (&again["code"], &again["retry_after_ms"]),
        (&json!("rate_limited"), &json!(10_000))
    );
    gateway.advance(Duration::from_secs(10));
    host.does("roster", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn a_roster_too_long_for_one_message_is_paged() {
    const CROWD: usize = 250;
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let data = "d".repeat(1_000);
    let mut crowd = Vec::new();
    for n in 0..CROWD {
        let join = json!({ "room": "lobby", "data": data });
        crowd.push(gateway.enter_with(&format!("guest-{n}"), join).await);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = host.does("roster", json!({ "room": "lobby", "after": after })).await;
        let page = &page["roster"];
        assert!(page.to_string().len() < 256 * 1_024);
        seen.extend(ids(&page["participants"]));
        pages += 1;
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert!(pages > 1);
    assert_eq!(seen.len(), CROWD + 1);
    let once: HashSet<String> = seen.iter().map(ToString::to_string).collect();
    assert_eq!(once.len(), seen.len(), "once each");
}

#[tokio::test]
async fn a_mute_of_a_large_room_is_one_push_to_each() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut crowd = crowd(&gateway, 0, 6).await;
    for person in &mut crowd {
        person.publish().await;
    }
    host.received().await;
    host.does("force_mute_all", json!({ "room": "lobby" })).await;
    for person in crowd.iter_mut().chain([&mut host]) {
        assert_eq!(person.received_of("mute_forced").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_room_members_get_each_push_once() {
    let gateway =
        Setup::new().with(|config| config.limits.starts_per_s_per_address = 10_000).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    // More than are notified in one go.
    let mut crowd = crowd(&gateway, 0, 1_100).await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    // Waited for, not asked for: a question would wake its connection by itself.
    for person in &mut crowd {
        person.push("mute_forced").await;
    }
    host.does("end_room", json!({ "room": "lobby" })).await;
    for person in &mut crowd {
        person.push("room_ended").await;
        let again = person.received().await;
        assert!(again.is_empty(), "{again:?}");
    }
}
