//! Promise 6: every moderation command has a receipt and a deadline; a client that ignores a mute loses its stream.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Gateway, Person, Setup};

/// The outcomes counted in a report: enforced, pending, offline, declined, ignored.
fn counts(report: &Value) -> [u64; 5] {
    ["enforced", "pending", "offline", "declined", "ignored"]
        .map(|outcome| report["counts"][outcome].as_u64().unwrap())
}

#[tokio::test]
async fn each_verb_is_reported_to_the_moderator_who_used_it() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let mut other = gateway.enter("other", "moderator").await;
    let room = json!({ "room": "lobby" });
    let of_ada = json!({ "room": "lobby", "username": "ada" });
    let role = json!({ "room": "lobby", "participant": ada.id(), "role": "publisher" });
    for (command, body) in [
        ("request_unmute", json!({ "stream": stream })),
        ("force_mute", json!({ "stream": stream })),
        ("lift_mute", json!({ "stream": stream })),
        ("force_mute_all", json!({ "room": "lobby", "lock": true })),
        ("disable_force_mute", room.clone()),
        ("set_role", role),
        ("force_unpublish", json!({ "stream": stream })),
        ("lock_room", room.clone()),
        ("unlock_room", room.clone()),
        ("force_disconnect", of_ada.clone()),
        ("unblock", of_ada),
    ] {
        let (mut body, ref_) = (body, format!("the-{command}"));
        body["ref"] = json!(ref_);
        let accepted = host.does(command, body).await;
        let reports = host.received_of("moderation").await;
        let report = reports.iter().find(|report| report["ref"] == json!(ref_));
        let report = report.unwrap_or_else(|| panic!("{command} has no receipt: {reports:?}"));
        assert_eq!(report["command"], command);
        assert_eq!(report["version"], accepted["accepted"]["version"], "{command}");
        assert_eq!(report["by"]["participant"], host.id(), "{command}");
        assert!(report["elapsed_ms"].is_u64(), "{command}");
        assert!(counts(report).iter().sum::<u64>() > 0, "{command} counts its targets: {report}");
    }
    assert!(other.received_of("moderation").await.is_empty(), "reports are for who acted");
    assert!(ada.received_of("moderation").await.is_empty());
}

#[tokio::test]
async fn a_mute_is_pending_until_its_target_acknowledges_it() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "stream": stream, "ref": "hush" })).await;
    let report = host.received_of("moderation").await.remove(0);
    assert_eq!(counts(&report), [0, 1, 0, 0, 0]);
    assert_eq!(report["targets"][0]["outcome"], "pending");
    assert_eq!(report["targets"][0]["target"]["stream"], stream);
    assert_eq!(report["targets"][0]["target"]["username"], "ada");
    ada.push("mute_forced").await;
    gateway.advance(Duration::from_millis(1_200));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let report = host.push("moderation").await;
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
    assert_eq!((&report["ref"], &report["elapsed_ms"]), (&json!("hush"), &json!(1_200)));
    let receipt = &report["targets"][0];
    assert_eq!((&receipt["outcome"], &receipt["elapsed_ms"]), (&json!("enforced"), &json!(1_200)));
    let received = host.received_of("stream_updated").await;
    assert!(
        received.is_empty(),
        "an acknowledgement that changes nothing is not broadcast: {received:?}"
    );
}

#[tokio::test]
async fn a_client_that_ignores_a_mute_loses_its_stream() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "stream": stream })).await;
    assert_eq!(counts(&host.push("moderation").await), [0, 1, 0, 0, 0]);
    ada.push("mute_forced").await;
    gateway.advance(Duration::from_millis(4_999));
    ada.does("roster", json!({ "room": "lobby" })).await;
    assert!(host.received_of("stream_unpublished").await.is_empty(), "there is still time");
    gateway.advance(Duration::from_millis(1));
    for person in [&mut ada, &mut host] {
        let ended = person.push("stream_unpublished").await;
        assert_eq!((&ended["stream"], &ended["reason"]), (&stream, &json!("force_unpublished")));
    }
    let report = host.push("moderation").await;
    assert_eq!((counts(&report), &report["elapsed_ms"]), ([0, 0, 0, 0, 1], &json!(5_000)));
    assert_eq!(
        ada.fails("update_stream", json!({ "stream": stream, "has_audio": false })).await,
        "stream_not_found"
    );
}

#[tokio::test]
async fn suspended_target_is_offline_until_it_resumes() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, stream) = gateway.host_and_speaker().await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    host.does("force_mute", json!({ "stream": stream })).await;
    assert_eq!(counts(&host.push("moderation").await), [0, 0, 1, 0, 0]);
    gateway.advance(Duration::from_secs(6));
    host.does("roster", json!({ "room": "lobby" })).await;
    let mut ada = Person::resume(&gateway, cut).await;
    assert_eq!(counts(&host.push("moderation").await), [0, 1, 0, 0, 0]);
    assert_eq!(ada.push("mute_forced").await["stream"], stream);
    gateway.advance(Duration::from_secs(1));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let report = host.push("moderation").await;
    assert_eq!((counts(&report), &report["elapsed_ms"]), ([1, 0, 0, 0, 0], &json!(7_000)));
}

#[tokio::test]
async fn acknowledgement_time_restarts_on_resume() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, stream) = gateway.host_and_speaker().await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    host.does("force_mute", json!({ "stream": stream })).await;
    gateway.advance(Duration::from_secs(6));
    host.does("roster", json!({ "room": "lobby" })).await;
    let mut ada = Person::resume(&gateway, cut).await;
    host.push("participant_link").await;
    gateway.advance(Duration::from_secs(5));
    assert_eq!(ada.push("stream_unpublished").await["reason"], "force_unpublished");
}

#[tokio::test]
async fn room_mute_receipt_counts_and_names_unenforced_targets() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, first) = gateway.host_and_speaker().await;
    ada.publish().await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let third = bob.publish().await["id"].clone();
    bob.does("update_stream", json!({ "stream": third, "has_audio": false })).await;
    host.received().await;
    host.does("force_mute_all", json!({ "room": "lobby" })).await;
    let report = host.durable_receipt().await;
    assert_eq!(counts(&report), [0, 2, 0, 0, 0], "who is silent is no target");
    assert_eq!(report["targets"].as_array().unwrap().len(), 2);
    ada.does("update_stream", json!({ "stream": first, "has_audio": false })).await;
    let report = host.push("moderation").await;
    assert_eq!(counts(&report), [1, 1, 0, 0, 0]);
    assert_eq!(report["targets"].as_array().unwrap().len(), 1);
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    let report = host.push("moderation").await;
    assert_eq!(counts(&report), [3, 0, 0, 0, 0], "a lock is in force at once");
    assert_eq!(report["targets"], json!([]));
}

#[tokio::test]
async fn first_outcome_is_reported_at_once_and_others_together() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, first) = gateway.host_and_speaker().await;
    let (second, third) = (ada.publish().await["id"].clone(), ada.publish().await["id"].clone());
    host.does("force_mute_all", json!({ "room": "lobby" })).await;
    assert_eq!(counts(&host.durable_receipt().await), [0, 3, 0, 0, 0]);
    gateway.advance(Duration::from_millis(3));
    ada.does("update_stream", json!({ "stream": first, "has_audio": false })).await;
    let report = host.push("moderation").await;
    assert_eq!((counts(&report), &report["elapsed_ms"]), ([1, 2, 0, 0, 0], &json!(3)));
    for stream in [&second, &third] {
        ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    }
    assert!(host.received_of("moderation").await.is_empty(), "they wait for each other");
    gateway.advance(Duration::from_millis(250));
    assert_eq!(counts(&host.push("moderation").await), [3, 0, 0, 0, 0]);
}

#[tokio::test]
async fn mute_without_lock_is_declined_by_audio_on() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    for target in [
        json!({ "stream": stream }),
        json!({ "room": "lobby", "username": "ada" }),
        json!({ "room": "lobby", "participant": ada.id() }),
    ] {
        host.does("force_mute", target.clone()).await;
        assert_eq!(counts(&host.push("moderation").await), [0, 1, 0, 0, 0], "{target}");
        ada.push("mute_forced").await;
        ada.does("update_stream", json!({ "stream": stream, "has_video": false })).await;
        assert!(host.received_of("moderation").await.is_empty(), "that is no answer");
        ada.does("update_stream", json!({ "stream": stream, "has_audio": true })).await;
        let report = host.push("moderation").await;
        assert_eq!(counts(&report), [0, 0, 0, 1, 0], "{target}");
        assert_eq!(report["targets"][0]["outcome"], "declined", "{target}");
    }
    gateway.advance(Duration::from_mins(1));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let rows = gateway.api_does("GET", "audit?command=force_mute", Value::Null).await;
    let declined = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row.pointer("/outcome/receipts/counts/declined") == Some(&json!(1)));
    assert_eq!(declined.count(), 3, "{rows}");
}

#[tokio::test]
async fn locked_mute_is_enforced_at_once_and_needs_an_answer() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "stream": stream, "lock": true })).await;
    assert_eq!(counts(&host.durable_receipt().await), [1, 0, 0, 0, 0]);
    let on = json!({ "stream": stream, "has_audio": true });
    assert_eq!(ada.fails("update_stream", on).await, "muted_by_moderator");
    assert!(host.received_of("moderation").await.is_empty());
    gateway.advance(Duration::from_secs(5));
    assert_eq!(ada.push("stream_unpublished").await["reason"], "force_unpublished");
    let report = host.push("moderation").await;
    assert_eq!((counts(&report), &report["elapsed_ms"]), ([0, 0, 0, 0, 1], &json!(5_000)));
    let silent = ada.publish().await["id"].clone();
    host.does("force_mute", json!({ "stream": silent, "lock": true })).await;
    assert_eq!(counts(&host.push("moderation").await), [1, 0, 0, 0, 0], "it is silent");
    gateway.advance(Duration::from_secs(6));
    ada.does("update_stream", json!({ "stream": silent, "has_audio": false })).await;
}

#[tokio::test]
async fn who_is_silent_is_no_target_of_a_mute_without_lock() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let bob = gateway.enter("bob", "publisher").await;
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    for (command, body) in [
        ("force_mute", json!({ "room": "lobby", "participant": bob.id() })),
        ("force_mute", json!({ "room": "lobby", "username": "bob" })),
        ("force_mute", json!({ "room": "lobby", "username": "ada" })),
        ("force_mute", json!({ "stream": stream })),
        ("force_mute_all", json!({ "room": "lobby" })),
    ] {
        let accepted = host.does(command, body.clone()).await;
        assert_eq!(accepted["accepted"]["target_count"], 0, "{body}");
        let report = host.push("moderation").await;
        assert_eq!((counts(&report), &report["targets"]), ([0; 5], &json!([])), "{body}");
    }
    host.does("disable_force_mute", json!({ "room": "lobby" })).await;
    let mut bob = bob;
    assert_eq!(bob.publish().await["has_audio"], true);
    let lock = json!({ "room": "lobby", "username": "ada", "lock": true, "ref": "lock" });
    host.does("force_mute", lock).await;
    let report = loop {
        let report = host.push("moderation").await;
        if report["ref"] == "lock" {
            break report;
        }
    };
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
    assert_eq!(ada.publish().await["muted"], true, "a locked one: the later stream starts muted");
}

#[tokio::test]
async fn request_to_unmute_is_settled() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let audio = |on: bool| json!({ "stream": stream, "has_audio": on });
    let request = json!({ "stream": stream });
    host.does("request_unmute", request.clone()).await;
    assert_eq!(counts(&host.push("moderation").await), [1, 0, 0, 0, 0], "its audio is on");
    assert!(ada.received_of("unmute_requested").await.is_empty());
    for (on, expected) in [(false, [0, 0, 0, 1, 0]), (true, [1, 0, 0, 0, 0])] {
        ada.does("update_stream", audio(false)).await;
        host.does("request_unmute", request.clone()).await;
        assert_eq!(counts(&host.push("moderation").await), [0, 1, 0, 0, 0]);
        ada.push("unmute_requested").await;
        ada.does("update_stream", audio(on)).await;
        assert_eq!(counts(&host.push("moderation").await), expected, "{on}");
    }
    ada.does("update_stream", audio(false)).await;
    host.does("request_unmute", request.clone()).await;
    host.push("moderation").await;
    gateway.advance(Duration::from_millis(29_999));
    ada.does("roster", json!({ "room": "lobby" })).await;
    assert!(host.received_of("moderation").await.is_empty(), "there is still time");
    gateway.advance(Duration::from_millis(1));
    let report = host.push("moderation").await;
    assert_eq!((counts(&report), &report["elapsed_ms"]), ([0, 0, 0, 0, 1], &json!(30_000)));
    host.does("request_unmute", request).await;
    host.push("moderation").await;
    ada.does("unpublish", json!({ "stream": stream })).await;
    assert_eq!(counts(&host.push("moderation").await), [0, 0, 0, 1, 0], "it ended silent");
}

#[tokio::test]
async fn repeated_ref_has_one_effect_and_the_same_answer() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let mut other = gateway.enter("other", "moderator").await;
    let mute = json!({ "stream": stream, "ref": "one" });
    let first = host.does("force_mute", mute.clone()).await;
    ada.does("update_stream", json!({ "stream": stream, "has_audio": true })).await;
    assert_eq!(host.does("force_mute", mute.clone()).await, first);
    assert_eq!(ada.received_of("mute_forced").await.len(), 1);
    let lock = json!({ "stream": stream, "ref": "one", "lock": true });
    assert_eq!(host.fails("force_mute", lock).await, "ref_conflict");
    assert_ne!(other.does("force_mute", mute).await, first, "a ref is its user's own");
    let unpublish = json!({ "stream": stream, "ref": "two" });
    let first = host.does("force_unpublish", unpublish.clone()).await;
    assert_eq!(host.does("force_unpublish", unpublish).await, first, "the stream is gone by now");
    let other = json!({ "stream": stream, "ref": "three" });
    assert_eq!(host.fails("force_unpublish", other).await, "stream_not_found");
}

#[tokio::test]
async fn refs_of_others_do_not_evict_that_of_a_moderator() {
    let setup = Setup::new().with(|config| {
        (config.limits.commands_per_s, config.limits.commands_burst) = (100_000, 100_000);
        config.limits.signals_per_s_per_room = 100_000;
    });
    let gateway = setup.run().await;
    let (mut host, mut ada, _) = gateway.host_and_speaker().await;
    gateway.enter("bob", "publisher").await;
    let kick =
        json!({ "room": "lobby", "username": "bob", "block": { "for_ms": 0 }, "ref": "out" });
    let kicked = host.does("force_disconnect", kick.clone()).await;
    let hello = json!({ "room": "lobby", "type": "hello", "data": 1, "ref": "hello" });
    let sent = host.does("signal", hello.clone()).await;
    for n in 0..1_100 {
        let signal = json!({ "room": "lobby", "type": "n", "data": n, "ref": format!("r-{n}") });
        ada.does("signal", signal).await;
        let stream = ada.publish().await["id"].clone();
        ada.does("unpublish", json!({ "stream": stream, "ref": format!("u-{n}") })).await;
    }
    let mut bob = gateway.enter("bob", "publisher").await;
    assert_eq!(host.does("force_disconnect", kick).await, kicked);
    assert_eq!(host.does("signal", hello).await, sent);
    assert!(bob.received_of("removed").await.is_empty(), "the kick was not repeated");
}

#[tokio::test]
async fn repeated_command_is_answered_after_own_removal() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, _) = gateway.host_and_speaker().await;
    let end = json!({ "room": "lobby", "ref": "the-end" });
    let first = host.does("end_room", end.clone()).await;
    let cut = host.cut().await;
    let mut host = Person::resume(&gateway, cut).await;
    assert_eq!(host.does("end_room", end.clone()).await, first, "its connection was cut");
    assert_eq!(host.fails("lock_room", end.clone()).await, "ref_conflict", "another command");
    let other = json!({ "room": "lobby", "ref": "another" });
    assert_eq!(host.fails("end_room", other).await, "not_in_room");
    let elsewhere = json!({ "room": "hall", "ref": "the-end" });
    assert_eq!(host.fails("end_room", elsewhere).await, "not_in_room");
    assert_eq!(ada.fails("end_room", end.clone()).await, "not_in_room", "it was not hers");
    gateway.advance(std::time::Duration::from_mins(11));
    assert_eq!(host.fails("end_room", end).await, "not_in_room", "forgotten");
}

#[tokio::test]
async fn who_may_no_longer_moderate_is_answered_again_all_the_same() {
    let gateway = Gateway::dev().await;
    let (mut host, _ada, _) = gateway.host_and_speaker().await;
    let mut other = gateway.enter("other", "moderator").await;
    let lock = json!({ "room": "lobby", "ref": "the-lock" });
    let first = host.does("lock_room", lock.clone()).await;
    let demote =
        json!({ "room": "lobby", "participant": host.id(), "role": "subscriber", "ref": "down" });
    let demoted = other.does("set_role", demote.clone()).await;
    assert_eq!(host.does("lock_room", lock.clone()).await, first);
    assert_eq!(host.fails("unlock_room", json!({ "room": "lobby" })).await, "forbidden");
    let kick = json!({ "room": "lobby", "participant": host.id(), "ref": "out" });
    let kicked = other.does("force_disconnect", kick.clone()).await;
    assert_eq!(other.does("force_disconnect", kick.clone()).await, kicked, "the target is gone");
    assert_eq!(other.does("set_role", demote).await, demoted, "the target is gone");
    assert_eq!(host.does("lock_room", lock).await, first);
    let them = json!({ "room": "lobby", "username": "host", "ref": "out" });
    assert_eq!(other.fails("force_disconnect", them).await, "ref_conflict", "another target");
}

#[tokio::test]
async fn an_owners_repeated_unpublish_is_answered_again() {
    let gateway = Gateway::dev().await;
    let (_host, mut ada, stream) = gateway.host_and_speaker().await;
    let unpublish = json!({ "stream": stream, "ref": "off" });
    let first = ada.does("unpublish", unpublish.clone()).await;
    assert_eq!(ada.does("unpublish", unpublish).await, first);
    assert_eq!(ada.fails("unpublish", json!({ "stream": stream })).await, "stream_not_found");
    let other = ada.publish().await["id"].clone();
    let conflict = json!({ "stream": other, "ref": "off" });
    assert_eq!(ada.fails("unpublish", conflict).await, "ref_conflict");
}

#[tokio::test]
async fn the_session_feed_is_a_snapshot_and_then_what_changes() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, _) = gateway.host_and_speaker().await;
    let id = ada.id();
    host.does("set_session_feed", json!({ "room": "lobby", "enabled": true })).await;
    let snapshot = host.received_of("session_feed").await;
    let snapshot =
        if snapshot.is_empty() { host.push("session_feed").await } else { snapshot[0].clone() };
    assert_eq!(snapshot["snapshot"], true);
    assert_eq!(snapshot["changes"].as_array().unwrap().len(), 2);
    let cut = ada.cut().await;
    host.push("participant_link").await;
    gateway.advance(Duration::from_millis(250));
    let delta = host.push("session_feed").await;
    assert_eq!(delta["snapshot"], false);
    let change = &delta["changes"][0];
    assert_eq!((&change["participant"], &change["link"]), (&id, &json!("suspended")));
    let mut ada = Person::resume(&gateway, cut).await;
    assert_eq!(host.push("session_feed").await["changes"][0]["link"], "live");
    let body = json!({ "room": "lobby", "username": "ada", "lock": true });
    host.does("force_mute", body).await;
    gateway.advance(Duration::from_millis(250));
    assert_eq!(host.push("session_feed").await["changes"][0]["mute_locked"], true);
    ada.does("leave", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_millis(250));
    let change = host.push("session_feed").await["changes"][0].clone();
    assert_eq!((&change["participant"], &change["state"]), (&id, &Value::Null));
    host.does("set_session_feed", json!({ "room": "lobby", "enabled": false })).await;
    ada.does("join", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_millis(250));
    host.push("participant_joined").await;
    assert!(host.received_of("session_feed").await.is_empty());
}

#[tokio::test]
async fn session_feed_shows_every_mute() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("set_session_feed", json!({ "room": "lobby", "enabled": true })).await;
    host.push("session_feed").await;
    let (on, off) = (json!({ "stream": stream, "has_audio": true }), json!({ "stream": stream }));
    let mut later = stream.clone();
    for (command, body) in [
        ("force_mute", json!({ "stream": stream })),
        ("force_mute", json!({ "room": "lobby", "username": "ada" })),
        ("force_mute_all", json!({ "room": "lobby" })),
        ("lift_mute", off),
    ] {
        let muted = command != "lift_mute";
        host.does(command, body.clone()).await;
        gateway.advance(Duration::from_millis(250));
        let change = host.push("session_feed").await["changes"][0].clone();
        assert_eq!(
            (&change["participant"], &change["muted"]),
            (&ada.id(), &json!(muted)),
            "{body}"
        );
        assert_eq!(change["mute_locked"], false);
        if muted && command != "force_mute_all" {
            ada.does("update_stream", on.clone()).await;
            gateway.advance(Duration::from_millis(250));
            assert_eq!(host.push("session_feed").await["changes"][0]["muted"], false);
        }
    }
    host.does("force_mute_all", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_millis(250));
    assert_eq!(host.push("session_feed").await["changes"][0]["muted"], true);
    for (command, muted) in [("unpublish", false), ("publish", true), ("unpublish", false)] {
        let stream = match command {
            "publish" => ada.publish().await,
            _ => ada.does("unpublish", json!({ "stream": later })).await,
        };
        later = stream["id"].clone();
        gateway.advance(Duration::from_millis(250));
        let change = host.push("session_feed").await["changes"][0].clone();
        assert_eq!(change["muted"], muted, "{command}");
    }
}

#[tokio::test]
async fn the_session_feed_is_for_moderators() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, _) = gateway.host_and_speaker().await;
    let feed = json!({ "room": "lobby", "enabled": true });
    assert_eq!(ada.fails("set_session_feed", feed.clone()).await, "forbidden");
    let promote = json!({ "room": "lobby", "participant": ada.id(), "role": "moderator" });
    host.does("set_role", promote).await;
    ada.does("set_session_feed", feed).await;
    let demote = json!({ "room": "lobby", "participant": ada.id(), "role": "publisher" });
    host.does("set_role", demote).await;
    ada.received().await;
    host.does("leave", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_millis(250));
    ada.push("participant_left").await;
    assert!(ada.received_of("session_feed").await.is_empty(), "the feed ended with the role");
}
