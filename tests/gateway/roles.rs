//! Permissions of each role, enforced by the gateway; how a role is assigned and changed.

use serde_json::{Value, json};

use crate::common::{Client, Gateway, Person, Setup};

/// One cell of the role table: the capability that is announced, and the result of using it.
async fn cell(role: &str, capability: &str, may: bool) {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let stream = host.publish().await["id"].clone();
    let ada = gateway.enter("ada", role).await;
    assert_eq!(ada.joined["capabilities"][capability], may, "{role} {capability}");
    uses(ada, &stream, capability, may).await;
    let received = host.received_of(trace_of(capability)).await;
    assert_eq!(!received.is_empty(), may, "{role} {capability}: {received:?}");
}

/// Uses a capability in `lobby`.
async fn uses(mut ada: Person, stream: &Value, capability: &str, may: bool) {
    let new = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let (command, body) = match capability {
        "subscribe" => ("subscribe", json!({ "stream": stream })),
        "publish" => ("publish", json!({ "room": "lobby", "stream": new })),
        "signal" => ("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })),
        "moderate" => ("lock_room", json!({ "room": "lobby" })),
        other => panic!("there is no capability {other}"),
    };
    match ada.request(command, body).await {
        Ok(_) => assert!(may, "{capability} was allowed"),
        Err(error) => {
            assert!(!may, "{capability}: {error}");
            assert_eq!(error["code"], "forbidden");
            assert_eq!(error["missing"], capability);
        }
    }
}

/// What the others receive of it.
fn trace_of(capability: &str) -> &'static str {
    match capability {
        "subscribe" => "stream_subscribed",
        "publish" => "stream_published",
        "signal" => "signal",
        _ => "room_state",
    }
}

macro_rules! cells {
    ($($name:ident: $role:literal $capability:literal $may:literal;)*) => {
        $(#[tokio::test] async fn $name() { cell($role, $capability, $may).await; })*
    };
}

cells! {
    a_subscriber_may_subscribe: "subscriber" "subscribe" true;
    a_subscriber_may_not_publish: "subscriber" "publish" false;
    a_subscriber_may_not_signal: "subscriber" "signal" false;
    a_subscriber_may_not_moderate: "subscriber" "moderate" false;
    a_publisher_may_subscribe: "publisher" "subscribe" true;
    a_publisher_may_publish: "publisher" "publish" true;
    a_publisher_may_signal: "publisher" "signal" true;
    a_publisher_may_not_moderate: "publisher" "moderate" false;
    a_publisher_only_may_not_subscribe: "publisher_only" "subscribe" false;
    a_publisher_only_may_publish: "publisher_only" "publish" true;
    a_publisher_only_may_not_signal: "publisher_only" "signal" false;
    a_publisher_only_may_not_moderate: "publisher_only" "moderate" false;
    a_moderator_may_subscribe: "moderator" "subscribe" true;
    a_moderator_may_publish: "moderator" "publish" true;
    a_moderator_may_signal: "moderator" "signal" true;
    a_moderator_may_moderate: "moderator" "moderate" true;
}

#[tokio::test]
async fn subscribers_may_signal_where_their_app_says_so() {
    let gateway = Setup::new().with(|config| config.apps[0].subscriber_signals = true).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "subscriber").await;
    assert_eq!(ada.joined["capabilities"]["signal"], true);
    uses(ada, &Value::Null, "signal", true).await;
    assert_eq!(host.received_of("signal").await.len(), 1);
}

#[tokio::test]
async fn the_longest_pattern_of_a_grant_says_as_what_one_enters() {
    let gateway = Gateway::dev().await;
    let rooms = json!({ "*": "subscriber", "lobby-*": "publisher", "lobby-1": "moderator" });
    let (mut ada, _) = gateway.registered("ada", "instance-1", json!({ "rooms": rooms })).await;
    for (room, role) in
        [("lobby-1", "moderator"), ("lobby-2", "publisher"), ("lobby", "subscriber")]
    {
        let joined = ada.request("join", json!({ "room": room })).await.unwrap();
        assert_eq!(joined["joined"]["participant"]["role"], role, "{room}");
    }
}

#[tokio::test]
async fn a_grant_that_does_not_name_the_room_needs_a_room_token() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "rooms": { "elsewhere": "publisher" } });
    let (mut ada, _) = gateway.registered("ada", "instance-1", claims).await;
    let error = ada.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "forbidden");
    let token = gateway.room_token("publisher");
    let joined = ada.request("join", json!({ "room": "lobby", "token": token })).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["role"], "publisher");
}

#[tokio::test]
async fn scopes_narrow_what_a_role_allows() {
    let gateway = Gateway::dev().await;
    for (case, scopes, allowed) in [
        (
            "all that the role allows",
            None,
            ["publish", "subscribe", "signal", "moderate"].as_slice(),
        ),
        ("some", Some(json!(["join", "subscribe", "signal"])), &["subscribe", "signal"]),
        ("those of the application", Some(json!(["join", "app.chat"])), &[]),
    ] {
        let mut claims = json!({ "rooms": { "*": "moderator" } });
        if let Some(scopes) = scopes {
            claims["scopes"] = scopes;
        }
        let ada = gateway.member("ada", claims).await;
        for capability in ["publish", "subscribe", "signal", "moderate"] {
            let may = allowed.contains(&capability);
            assert_eq!(ada.joined["capabilities"][capability], may, "{case}: {capability}");
        }
    }
}

#[tokio::test]
async fn a_command_outside_the_scopes_names_the_one_that_is_missing() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let stream = host.publish().await["id"].clone();
    let claims = json!({ "rooms": { "*": "moderator" }, "scopes": ["join", "subscribe"] });
    let mut ada = gateway.member("ada", claims).await;
    ada.does("subscribe", json!({ "stream": stream })).await;
    let relay = json!({ "to": host.id(), "stream": stream, "data": "offer" });
    for (command, body, missing) in [
        ("relay", relay, "relay"),
        ("signal", json!({ "room": "lobby", "type": "chat", "data": 1 }), "signal"),
        ("end_room", json!({ "room": "lobby" }), "moderate"),
    ] {
        let error = ada.request(command, body).await.unwrap_err();
        assert_eq!((&error["code"], &error["missing"]), (&json!("forbidden"), &json!(missing)));
    }
    let claims = json!({ "rooms": { "*": "moderator" }, "scopes": [] });
    let (mut bob, _) = gateway.registered("bob", "instance-1", claims).await;
    let token = gateway.room_token("moderator");
    for join in [json!({ "room": "lobby" }), json!({ "room": "lobby", "token": token })] {
        let error = bob.request("join", join).await.unwrap_err();
        assert_eq!((&error["code"], &error["missing"]), (&json!("forbidden"), &json!("join")));
    }
}

#[tokio::test]
async fn publisher_only_does_not_see_other_streams() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let before = host.publish().await["id"].clone();
    let mut ada = gateway.enter("ada", "publisher_only").await;
    assert_eq!(ada.joined["room"]["streams"], json!([]));
    assert_eq!(ada.joined["room"]["counts"]["streams"], 1);
    host.publish().await;
    host.does("update_stream", json!({ "stream": before, "has_video": false })).await;
    host.does("unpublish", json!({ "stream": before })).await;
    let own = ada.publish().await["id"].clone();
    let received = ada.received().await;
    assert!(received.iter().all(|(name, _)| !name.starts_with("stream_")), "{received:?}");
    let roster = ada.does("roster", json!({ "room": "lobby" })).await;
    let streams = roster["roster"]["streams"].as_array().unwrap();
    assert_eq!(streams.iter().map(|stream| &stream["id"]).collect::<Vec<_>>(), [&own]);
    host.does("force_mute", json!({ "stream": own })).await;
    assert_eq!(ada.push("mute_forced").await["stream"], own, "its own is announced");
}

#[tokio::test]
async fn owner_is_notified_once_of_streams_that_a_role_ends() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    for former in ["publisher_only", "publisher", "moderator"] {
        let mut ada = gateway.enter(former, former).await;
        let stream = ada.publish().await["id"].clone();
        let demote = json!({ "room": "lobby", "participant": ada.id(), "role": "subscriber" });
        host.does("set_role", demote).await;
        let ended = ada.received_of("stream_unpublished").await;
        let ended: Vec<_> = ended.iter().map(|push| &push["stream"]).collect();
        assert_eq!(ended, [&stream], "{former}");
    }
}

#[tokio::test]
async fn a_demotion_takes_effect_at_once_and_holds_when_they_rejoin() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "moderator").await;
    let stream = ada.publish().await["id"].clone();
    let body = json!({ "room": "lobby", "participant": ada.id(), "role": "subscriber" });
    let accepted = host.does("set_role", body).await;
    assert_eq!(accepted["accepted"]["role"], "subscriber");
    assert_eq!(accepted["accepted"]["participant"], ada.id());
    let ended = host.push("stream_unpublished").await;
    assert_eq!((&ended["stream"], &ended["reason"]), (&stream, &json!("force_unpublished")));
    let changed = host.push("role_changed").await;
    assert_eq!((&changed["participant"], &changed["role"]), (&ada.id(), &json!("subscriber")));
    let changed = ada.push("role_changed").await;
    assert_eq!(changed["capabilities"]["publish"], false);
    assert_eq!(changed["capabilities"]["moderate"], false);
    for (command, body, missing) in [
        (
            "publish",
            json!({ "room": "lobby", "stream": { "kind": "audio", "has_audio": true, "has_video": false } }),
            "publish",
        ),
        ("lock_room", json!({ "room": "lobby" }), "moderate"),
    ] {
        assert_eq!(ada.request(command, body).await.unwrap_err()["missing"], missing);
    }
    ada.does("leave", json!({ "room": "lobby" })).await;
    let token = gateway.room_token("moderator");
    let joined = ada.does("join", json!({ "room": "lobby", "token": token })).await;
    assert_eq!(joined["joined"]["participant"]["role"], "subscriber");
    let other = gateway.enter_on("ada", "instance-2", json!({ "room": "lobby", "token": token }));
    assert_eq!(other.await.joined["participant"]["role"], "moderator", "another guest");
}

#[tokio::test]
async fn demotion_of_a_registered_user_holds_on_any_instance() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("moderator") });
    let (client, started) = gateway.registered("ada", "instance-1", json!({})).await;
    let ada = Person::join(client, started, join.clone()).await;
    let body = json!({ "room": "lobby", "participant": ada.id(), "role": "subscriber" });
    host.does("set_role", body).await;
    let (client, started) = gateway.registered("ada", "instance-2", json!({})).await;
    let again = Person::join(client, started, join).await;
    assert_eq!(again.joined["participant"]["role"], "subscriber");
}

#[tokio::test]
async fn a_promotion_takes_effect_at_once_and_holds_when_they_rejoin() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let stream = host.publish().await["id"].clone();
    let mut ada = gateway.enter("ada", "publisher_only").await;
    let body = json!({ "room": "lobby", "participant": ada.id(), "role": "moderator" });
    host.does("set_role", body).await;
    assert_eq!(ada.push("role_changed").await["capabilities"]["moderate"], true);
    let reset = ada.push("room_reset").await;
    assert_eq!(reset["snapshot"]["streams"][0]["id"], stream, "it sees others' streams now");
    ada.does("lock_room", json!({ "room": "lobby" })).await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    let joined = ada.does("join", json!({ "room": "lobby" })).await;
    assert_eq!(joined["joined"]["capabilities"]["moderate"], true);
}

#[tokio::test]
async fn joining_again_renews_role_and_keeps_the_membership() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let token = gateway.room_token("subscriber");
    let joined = ada.does("join", json!({ "room": "lobby", "token": token })).await;
    assert_eq!(joined["joined"]["participant"]["id"], ada.id());
    assert_eq!(joined["joined"]["capabilities"]["publish"], false);
    assert_eq!(joined["joined"]["room"]["streams"], json!([]));
    assert_eq!(host.push("stream_unpublished").await["stream"], stream);
    assert_eq!(host.push("role_changed").await["role"], "subscriber");
}

#[tokio::test]
async fn a_role_the_app_does_not_know_is_refused() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let token = gateway.token(json!({ "scope": "room", "room": "lobby", "role": "owner" }));
    let error = ada.request("join", json!({ "room": "lobby", "token": token })).await.unwrap_err();
    assert_eq!(error["code"], "token_invalid");
    let token = gateway.token(json!({ "scope": "room", "room": "lobby" }));
    let joined = ada.request("join", json!({ "room": "lobby", "token": token })).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["role"], "publisher", "the app's default");
}
