//! Promise 5: a mute holds against everything its target does, and only the owner turns audio on.

use serde_json::{Value, json};

use crate::common::{Gateway, Person};

fn lock(username: &str) -> Value {
    json!({ "room": "lobby", "username": username, "lock": true })
}

fn audio(stream: &Value, on: bool) -> Value {
    json!({ "stream": stream, "has_audio": on })
}

/// That a user's audio stays off: an existing stream's, and a new one's.
async fn is_silenced(person: &mut Person) {
    let stream = person.publish().await;
    assert_eq!((&stream["muted"], &stream["has_audio"]), (&json!(true), &json!(false)));
    let code = person.fails("update_stream", audio(&stream["id"], true)).await;
    assert_eq!(code, "muted_by_moderator");
    person.does("unpublish", json!({ "stream": stream["id"] })).await;
}

#[tokio::test]
async fn locked_mute_survives_republish_rejoin_and_resume() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", lock("ada")).await;
    let received = ada.push("mute_forced").await;
    assert_eq!((&received["active"], &received["lock"]), (&json!(true), &json!(true)));
    assert_eq!(host.push("mute_forced").await["participant"], ada.id());
    ada.does("update_stream", audio(&stream, false)).await;
    assert_eq!(ada.fails("update_stream", audio(&stream, true)).await, "muted_by_moderator");
    ada.does("unpublish", json!({ "stream": stream })).await;
    is_silenced(&mut ada).await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    let joined = ada.does("join", json!({ "room": "lobby" })).await;
    assert_eq!(joined["joined"]["participant"]["mute_locked"], true);
    is_silenced(&mut ada).await;
    let on_another = gateway.enter_on("ada", "instance-2", json!({ "room": "lobby" }));
    let mut second = on_another.await;
    assert_eq!(second.joined["participant"]["mute_locked"], true);
    is_silenced(&mut second).await;
    let mut second = Person::resume(&gateway, second.cut().await).await;
    is_silenced(&mut second).await;
}

#[tokio::test]
async fn lifting_gives_leave_to_speak_and_turns_nothing_on() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", lock("ada")).await;
    host.does("lift_mute", json!({ "room": "lobby", "participant": ada.id() })).await;
    assert_eq!(ada.push("mute_forced").await["active"], true);
    assert_eq!(ada.push("mute_forced").await["active"], false);
    let late = gateway.enter("late", "subscriber").await;
    let seen = &late.joined["room"]["streams"][0];
    assert_eq!((&seen["id"], &seen["has_audio"]), (&stream, &json!(false)), "it is still off");
    let updated = ada.does("update_stream", audio(&stream, true)).await;
    assert_eq!(updated["updated"]["stream"]["muted"], false);
    assert_eq!(host.push("stream_updated").await["stream"]["has_audio"], true);
}

#[tokio::test]
async fn a_mute_without_a_lock_is_undone_by_its_owner_alone() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let mut bob = gateway.enter("bob", "publisher").await;
    host.does("force_mute", json!({ "stream": stream })).await;
    assert_eq!(ada.push("mute_forced").await["stream"], stream);
    assert_eq!(bob.push("mute_forced").await["stream"], stream, "receivers silence it");
    assert_eq!(bob.fails("update_stream", audio(&stream, true)).await, "not_owner");
    assert_eq!(host.fails("update_stream", audio(&stream, true)).await, "not_owner");
    let updated = ada.does("update_stream", audio(&stream, true)).await;
    assert_eq!(updated["updated"]["stream"]["muted"], false);
}

#[tokio::test]
async fn a_question_to_unmute_leaves_the_answer_to_the_owner() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let mut bob = gateway.enter("bob", "publisher").await;
    host.does("force_mute", json!({ "stream": stream })).await;
    host.does("request_unmute", json!({ "stream": stream })).await;
    let asked = ada.push("unmute_requested").await;
    assert_eq!((&asked["stream"], &asked["by"]["participant"]), (&stream, &host.id()));
    assert!(bob.received_of("unmute_requested").await.is_empty());
    let late = gateway.enter("late", "subscriber").await;
    assert_eq!(late.joined["room"]["streams"][0]["muted"], true);
}

#[tokio::test]
async fn a_mute_of_the_room_is_one_push_to_each_with_exclusions() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, first) = gateway.host_and_speaker().await;
    let second = ada.publish().await["id"].clone();
    let mut bob = gateway.enter("bob", "publisher").await;
    let spared = bob.publish().await["id"].clone();
    let body = json!({ "room": "lobby", "except": [spared], "lock": true });
    let (moderator, exempt) = (host.id(), bob.id());
    let accepted = host.does("force_mute_all", body).await;
    assert_eq!(accepted["accepted"]["target_count"], 2);
    for person in [&mut host, &mut ada, &mut bob] {
        let received = person.received_of("mute_forced").await;
        assert_eq!(received.len(), 1, "{received:?}");
        let except = received[0]["except"].as_array().unwrap();
        assert!(except.len() == 2 && except.contains(&moderator) && except.contains(&exempt));
        assert_eq!(received[0]["lock"], true);
        assert_eq!(
            (&received[0]["stream"], &received[0]["participant"]),
            (&Value::Null, &Value::Null)
        );
    }
    for stream in [&first, &second] {
        assert_eq!(ada.fails("update_stream", audio(stream, true)).await, "muted_by_moderator");
    }
    bob.does("update_stream", audio(&spared, false)).await;
    bob.does("update_stream", audio(&spared, true)).await;
}

/// That a participant may publish with its audio on, and turn it off and on.
async fn is_exempt(person: &mut Person) {
    let stream = person.publish().await;
    assert_eq!((&stream["muted"], &stream["has_audio"]), (&json!(false), &json!(true)));
    person.does("update_stream", audio(&stream["id"], false)).await;
    person.does("update_stream", audio(&stream["id"], true)).await;
    person.does("unpublish", json!({ "stream": stream["id"] })).await;
}

#[tokio::test]
async fn excluded_stream_excludes_its_owner() {
    for lock in [false, true] {
        let gateway = Gateway::dev().await;
        let (mut host, mut eve, camera) = gateway.host_and_speaker().await;
        let mut bob = gateway.enter("bob", "publisher").await;
        let mut silent = gateway.enter("silent", "publisher").await;
        let other = eve.publish().await["id"].clone();
        let except = json!([camera, silent.id()]);
        host.does("force_mute_all", json!({ "room": "lobby", "except": except, "lock": lock }))
            .await;
        for stream in [&camera, &other] {
            eve.does("update_stream", audio(stream, false)).await;
            eve.does("update_stream", audio(stream, true)).await;
            eve.does("unpublish", json!({ "stream": stream })).await;
        }
        is_exempt(&mut eve).await;
        is_exempt(&mut silent).await;
        eve.does("leave", json!({ "room": "lobby" })).await;
        let token = gateway.room_token("publisher");
        eve.does("join", json!({ "room": "lobby", "token": token })).await;
        is_exempt(&mut eve).await;
        assert_eq!(bob.publish().await["muted"], true);
        host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
        is_silenced(&mut eve).await;
    }
}

#[tokio::test]
async fn acting_moderator_is_excluded_unless_it_includes_itself() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut other = gateway.enter("other", "moderator").await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    is_exempt(&mut host).await;
    is_silenced(&mut other).await;
    other.does("force_mute_all", json!({ "room": "lobby" })).await;
    is_exempt(&mut other).await;
    is_silenced(&mut host).await;
    let with_self = json!({ "room": "lobby", "include_self": true, "lock": true });
    host.does("force_mute_all", with_self).await;
    is_silenced(&mut host).await;
    host.does("disable_force_mute", json!({ "room": "lobby" })).await;
    is_exempt(&mut host).await;
}

#[tokio::test]
async fn unknown_exception_is_named_and_nothing_is_muted() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let unknown = "AAAAAAAAAAAAAAAAAAAAAA";
    for except in [json!([unknown]), json!([stream, ada.id(), unknown])] {
        let place = format!("except[{}]", except.as_array().unwrap().len() - 1);
        let body = json!({ "room": "lobby", "except": except, "lock": true });
        let error = host.request("force_mute_all", body).await.unwrap_err();
        assert_eq!((&error["code"], &error["field"]), (&json!("stream_not_found"), &json!(place)));
        assert!(error["message"].as_str().unwrap().contains(unknown), "{error}");
    }
    assert!(ada.received_of("mute_forced").await.is_empty());
    is_exempt(&mut ada).await;
    let body = json!({ "except": [unknown] });
    let (status, code) = gateway.api_fails("rooms/lobby/force_mute_all", body).await;
    assert_eq!((status, code.as_str()), (404, "stream_not_found"));
}

#[tokio::test]
async fn exclusion_lifts_no_lock_of_its_own() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", lock("ada")).await;
    host.does("force_mute_all", json!({ "room": "lobby", "except": [stream] })).await;
    is_silenced(&mut ada).await;
    host.does("disable_force_mute", json!({ "room": "lobby" })).await;
    is_silenced(&mut ada).await;
}

#[tokio::test]
async fn late_joiners_inherit_the_rooms_mute_in_the_join_reply() {
    let gateway = Gateway::dev().await;
    let (mut host, ..) = gateway.host_and_speaker().await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    let mut late = gateway.enter("late", "publisher").await;
    assert_eq!(late.joined["room"]["mute"], json!({ "active": true, "lock": true }));
    is_silenced(&mut late).await;
}

#[tokio::test]
async fn muted_streams_stay_muted_when_the_rooms_mute_ends() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let bob = gateway.enter("bob", "publisher").await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    host.does("force_mute", lock("bob")).await;
    host.does("disable_force_mute", json!({ "room": "lobby" })).await;
    assert_eq!(ada.push("mute_forced").await["active"], true);
    assert_eq!(ada.push("mute_forced").await["participant"], bob.id());
    assert_eq!(ada.push("mute_forced").await["active"], false);
    let late = gateway.enter("late", "subscriber").await;
    assert_eq!(late.joined["room"]["mute"]["active"], false);
    let seen = &late.joined["room"]["streams"][0];
    assert_eq!((&seen["id"], &seen["muted"]), (&stream, &json!(true)));
    ada.does("update_stream", audio(&stream, true)).await;
    let mut bob = bob;
    is_silenced(&mut bob).await;
}

#[tokio::test]
async fn lifting_under_the_rooms_mute_lets_one_speak() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let mut bob = gateway.enter("bob", "publisher").await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    host.does("lift_mute", json!({ "room": "lobby", "username": "ada" })).await;
    ada.does("update_stream", audio(&stream, true)).await;
    assert_eq!(ada.publish().await["muted"], false);
    is_silenced(&mut bob).await;
}

#[tokio::test]
async fn mute_reaches_a_suspended_owner_on_resume() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, stream) = gateway.host_and_speaker().await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    host.does("force_mute", json!({ "stream": stream, "lock": true })).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.push("mute_forced").await;
    assert_eq!((&received["active"], &received["lock"]), (&json!(true), &json!(true)));
    assert_eq!(ada.fails("update_stream", audio(&stream, true)).await, "muted_by_moderator");
}

#[tokio::test]
async fn a_guest_who_registers_takes_its_mute_along() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, _) = gateway.host_and_speaker().await;
    host.does("force_mute", lock("ada")).await;
    let mut countess = gateway.continued(&ada.started, "countess").await;
    let joined = countess.request("join", json!({ "room": "lobby" })).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["mute_locked"], true);
}
