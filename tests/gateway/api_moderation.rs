//! Every moderation command as a server API call, with its receipt.

use serde_json::{Value, json};

use crate::common::{Client, Gateway};

fn counts(enforced: u32, pending: u32, offline: u32) -> Value {
    json!({ "enforced": enforced, "pending": pending, "offline": offline, "declined": 0, "ignored": 0 })
}

#[tokio::test]
async fn server_removes_and_unblocks_a_user() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let body = json!({ "username": "ada", "reason": "spam", "ref": "r-1" });
    let receipt = gateway.api_does("POST", "rooms/lobby/force_disconnect", body.clone()).await;
    assert_eq!(
        (&receipt["command"], &receipt["target_count"]),
        (&json!("force_disconnect"), &json!(1))
    );
    assert_eq!((&receipt["counts"], &receipt["ref"]), (&counts(1, 0, 0), &json!("r-1")));
    assert_eq!(receipt["targets"][0]["target"]["username"], "ada");
    let removed = ada.push("removed").await;
    assert_eq!((&removed["by"], &removed["reason"]), (&json!({ "server": {} }), &json!("spam")));
    let join = json!({ "room": "lobby" });
    assert_eq!(ada.fails("join", join.clone()).await, "blocked");
    assert_eq!(gateway.api_does("POST", "rooms/lobby/force_disconnect", body).await, receipt);
    gateway.api_does("POST", "rooms/lobby/unblock", json!({ "username": "ada" })).await;
    ada.does("join", join).await;
    let rows = gateway.api_does("GET", "audit?username=ada&room=lobby", Value::Null).await;
    let commands: Vec<_> =
        rows["items"].as_array().unwrap().iter().map(|row| row["command"].clone()).collect();
    assert_eq!(commands, ["force_disconnect", "unblock"]);
    assert_eq!(rows["items"][0]["actor"], json!({ "server": "key:58bcea48" }));
}

#[tokio::test]
async fn a_removal_from_the_app_ends_every_session() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await.into_client();
    let (mut other, _) = Client::guest(&gateway, "ada", "another-instance").await;
    let body = json!({ "username": "ada", "block": { "for_ms": 60_000, "scope": "app" } });
    gateway.api_does("POST", "rooms/lobby/force_disconnect", body).await;
    assert_eq!((ada.closed().await.code, other.closed().await.code), (4010, 4010));
}

#[tokio::test]
async fn mute_call_waits_for_acks_or_answers_pending() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let path = "rooms/lobby/force_mute?wait_ms=10000";
    let (receipt, ()) =
        tokio::join!(gateway.api_does("POST", path, json!({ "stream": stream })), async {
            assert_eq!(ada.push("mute_forced").await["lock"], false);
            ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
        });
    assert_eq!(receipt["counts"], counts(1, 0, 0));
    let lock = json!({ "stream": stream, "lock": true });
    let receipt = gateway.api_does("POST", path, lock).await;
    assert_eq!(receipt["counts"], counts(1, 0, 0), "a lock is in force at once");
    let on = json!({ "stream": stream, "has_audio": true });
    assert_eq!(ada.fails("update_stream", on.clone()).await, "muted_by_moderator");
    gateway.api_does("POST", "rooms/lobby/lift_mute", json!({ "stream": stream })).await;
    ada.does("update_stream", on).await;
    let again = json!({ "participant": ada.id() });
    let receipt = gateway.api_does("POST", "rooms/lobby/force_mute?wait_ms=0", again).await;
    assert_eq!(receipt["counts"], counts(0, 1, 0));
    assert_eq!(receipt["targets"][0]["outcome"], "pending");
    let cut = ada.cut().await;
    drop(cut);
}

#[tokio::test]
async fn everybody_is_muted_but_those_excepted_and_unmuted_again() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let (_, spared) = (ada.publish().await, bob.publish().await["id"].clone());
    let body = json!({ "except": [spared], "lock": true });
    let receipt = gateway.api_does("POST", "rooms/lobby/force_mute_all?wait_ms=0", body).await;
    assert_eq!(receipt["counts"], counts(1, 0, 0));
    assert_eq!(bob.push("mute_forced").await["except"], json!([bob.id()]));
    let room = gateway.api_does("GET", "rooms/lobby", Value::Null).await;
    assert_eq!(room["mute"], json!({ "active": true, "lock": true }));
    gateway.api_does("POST", "rooms/lobby/disable_force_mute", json!({})).await;
    let room = gateway.api_does("GET", "rooms/lobby", Value::Null).await;
    assert_eq!(room["mute"]["active"], false);
}

#[tokio::test]
async fn streams_are_ended_asked_for_and_arranged() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let id = stream.as_str().unwrap();
    let layout = json!({ "layout_classes": ["focus"] });
    let path = format!("rooms/lobby/streams/{id}");
    let changed = gateway.api_does("PATCH", &path, layout).await;
    assert_eq!(changed["layout_classes"], json!(["focus"]));
    assert_eq!(ada.push("stream_updated").await["stream"]["layout_classes"], json!(["focus"]));
    let streams = gateway.api_does("GET", "rooms/lobby/streams", Value::Null).await;
    assert_eq!(streams["items"], json!([changed]));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let asked = json!({ "stream": stream });
    let receipt = gateway.api_does("POST", "rooms/lobby/request_unmute", asked.clone()).await;
    assert_eq!(receipt["counts"], counts(0, 1, 0));
    ada.push("unmute_requested").await;
    gateway.api_does("POST", "rooms/lobby/force_unpublish", asked.clone()).await;
    assert_eq!(ada.push("stream_unpublished").await["reason"], "force_unpublished");
    let gone = gateway.api_fails("rooms/lobby/force_unpublish", asked).await;
    assert_eq!(gone, (404, "stream_not_found".to_owned()));
}

#[tokio::test]
async fn a_role_is_set_and_everybody_is_listed() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let _bob = gateway.enter("bob", "subscriber").await;
    let body = json!({ "participant": ada.id(), "role": "moderator" });
    gateway.api_does("POST", "rooms/lobby/set_role", body).await;
    assert_eq!(ada.push("role_changed").await["role"], "moderator");
    let (mut seen, mut path) = (Vec::new(), "rooms/lobby/participants?limit=1".to_owned());
    loop {
        let page = gateway.api_does("GET", &path, Value::Null).await;
        let shown = &page["items"][0];
        let role = shown["participant"]["role"].as_str().unwrap().to_owned();
        seen.push((shown["participant"]["username"].as_str().unwrap().to_owned(), role));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("rooms/lobby/participants?limit=1&cursor={next}");
    }
    seen.sort();
    let seen: Vec<_> = seen.iter().map(|(name, role)| (name.as_str(), role.as_str())).collect();
    assert_eq!(seen, [("ada", "moderator"), ("bob", "subscriber")]);
}

#[tokio::test]
async fn participants_of_one_user_are_listed() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let other = gateway.enter_on("ada", "instance-2", json!({ "room": "lobby" })).await;
    let _bob = gateway.enter("bob", "subscriber").await;
    let stream = ada.publish().await["id"].clone();
    let (mut seen, mut path) =
        (Vec::new(), "rooms/lobby/participants?username=ada&limit=1".to_owned());
    loop {
        let page = gateway.api_does("GET", &path, Value::Null).await;
        let [shown] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
        seen.push((shown["participant"]["id"].clone(), shown["streams"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("rooms/lobby/participants?username=ada&limit=1&cursor={next}");
    }
    let mut expected = [(json!(ada.id()), json!([stream])), (json!(other.id()), json!([]))];
    expected.sort_by_key(|(id, _)| id.to_string());
    seen.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(seen, expected);
    let absent =
        gateway.api_does("GET", "rooms/lobby/participants?username=eve", Value::Null).await;
    assert_eq!(absent["items"], json!([]));
    let answer = gateway.api("GET", "rooms/lobby/participants?username=", None).await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[tokio::test]
async fn ban_removes_the_user_from_all_rooms() {
    let gateway = Gateway::dev().await;
    let mut bob = gateway.enter("bob", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await.into_client();
    gateway.api_does("POST", "users/ada/ban", json!({ "reason": "spam" })).await;
    assert_eq!(ada.closed().await.code, 4011);
    assert_eq!(bob.push("participant_left").await["reason"], "banned");
    let shown = gateway.api_does("GET", "users/ada", Value::Null).await;
    assert_eq!(shown["user"]["block"]["kind"], "ban");
    assert_eq!(shown["sessions"], json!([]));
    let banned = gateway.api_does("GET", "users?banned=true", Value::Null).await;
    assert_eq!(banned["items"][0]["username"], "ada");
    let users = gateway.api_does("GET", "users", Value::Null).await;
    assert_eq!(users["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn invalid_commands_get_a_specific_problem() {
    let gateway = Gateway::dev().await;
    let _ada = gateway.enter("ada", "publisher").await;
    let id = "AAAAAAAAAAAAAAAAAAAAAA";
    let invalid = || (400, "invalid_argument".to_owned());
    for (case, path, body, expected) in [
        ("unknown", "rooms/lobby/force_disconnect", json!({}), invalid()),
        ("two", "rooms/lobby/force_mute", json!({ "stream": id, "username": "a" }), invalid()),
        ("unknown field", "rooms/lobby/lock", json!({ "rf": 1 }), invalid()),
        (
            "unknown field inside",
            "rooms/lobby/force_disconnect",
            json!({ "username": "ada", "block": { "for": 1 } }),
            invalid(),
        ),
        (
            "long reason",
            "rooms/lobby/force_disconnect",
            json!({ "username": "ada", "reason": "x".repeat(257) }),
            invalid(),
        ),
        ("too patient", "rooms/lobby/lock?wait_ms=10001", json!({}), invalid()),
        (
            "too many spared",
            "rooms/lobby/force_mute_all",
            json!({ "except": vec![id; 501] }),
            invalid(),
        ),
        (
            "no such participant",
            "rooms/lobby/set_role",
            json!({ "participant": id, "role": "publisher" }),
            (404, "participant_not_found".to_owned()),
        ),
        (
            "no user of that name",
            "rooms/lobby/force_mute",
            json!({ "username": "zoe" }),
            (404, "participant_not_found".to_owned()),
        ),
        ("no such room", "rooms/nowhere/lock", json!({}), (404, "room_not_found".to_owned())),
        (
            "large signal",
            "rooms/lobby/signal",
            json!({ "type": "t", "data": "x".repeat(8_193) }),
            (413, "too_large".to_owned()),
        ),
    ] {
        assert_eq!(gateway.api_fails(path, body).await, expected, "{case}");
    }
}
