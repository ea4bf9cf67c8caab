//! Guests: who is the same, what a name proves, and penalties that follow the client instance.

use std::time::Duration;

use serde_json::{Value, json};

use stagedoor::config::{Config, GuestNames};

use crate::common::{Client, Gateway, House, Person, Setup, start_of};

/// Joins `lobby` by a room token as publisher.
async fn publisher(gateway: &Gateway, username: &str, instance: &str) -> Person {
    let token = gateway.room_token("publisher");
    gateway.enter_on(username, instance, json!({ "room": "lobby", "token": token })).await
}

fn role_of(person: &Person) -> &str {
    person.joined["participant"]["role"].as_str().unwrap()
}

fn set_role(person: &Person, role: &str) -> Value {
    json!({ "room": "lobby", "participant": person.id(), "role": role })
}

async fn join(client: &mut Client, gateway: &Gateway) -> Result<Value, Value> {
    let token = gateway.room_token("publisher");
    client.request("join", json!({ "room": "lobby", "token": token })).await
}

/// A start on which a session ends that its client proves.
fn continuing(started: &Value, username: &str, instance: &str) -> Value {
    let mut start = start_of(username, instance);
    start["previous"] = json!({
        "session": started["session"]["id"], "secret": started["resume"]["secret"],
    });
    start
}

#[tokio::test]
async fn shared_guest_role_holds_for_its_token_family() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-1").await;
    host.does("set_role", set_role(&ada, "moderator")).await;
    ada.push("role_changed").await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    let (mut stranger, _) = Client::guest(&gateway, "ada", "instance-2").await;
    assert_eq!(join(&mut stranger, &gateway).await.unwrap_err()["code"], "room_locked");
    host.does("unlock_room", json!({ "room": "lobby" })).await;
    let mut stranger = publisher(&gateway, "ada", "instance-3").await;
    assert_eq!(role_of(&stranger), "publisher");
    let kick = json!({ "room": "lobby", "participant": host.id() });
    assert_eq!(stranger.fails("force_disconnect", kick).await, "forbidden");
    // The family proves the same guest, a start as guest on the same instance does not.
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": ada.started["access_token"] });
    let (mut again, _) = Client::start(&gateway, start).await;
    let joined = join(&mut again, &gateway).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["role"], "moderator");
    let other_family = publisher(&gateway, "ada", "instance-1").await;
    assert_eq!(role_of(&other_family), "publisher");
}

#[tokio::test]
async fn app_removal_of_one_guest_leaves_others_of_the_name() {
    // The clients answer no ping while a block expires.
    let interval = Duration::from_mins(10);
    let setup = Setup::new().with(|config| config.keepalive.room_interval = interval);
    let gateway = setup.run().await;
    let claims = json!({ "rooms": { "*": "moderator" }, "app_moderator": true });
    let mut host = gateway.member("host", claims).await;
    let mut first = publisher(&gateway, "ada", "instance-1").await;
    let mut second = publisher(&gateway, "ada", "instance-2").await;
    let mut third = publisher(&gateway, "ada", "instance-3").await;
    let kick = |person: &Person, for_ms: u64| {
        let block = json!({ "scope": "app", "for_ms": for_ms });
        json!({ "room": "lobby", "participant": person.id(), "block": block })
    };
    host.does("force_disconnect", kick(&first, 600_000)).await;
    assert_eq!(first.closed().await.code, 4010);
    host.does("force_disconnect", kick(&second, 60_000)).await;
    assert_eq!(second.closed().await.code, 4010);
    third.does("roster", json!({ "room": "lobby" })).await;
    let is_refused = async |username: &str, instance: &str| {
        let start = json!({ "id": 0, "start": start_of(username, instance) });
        Client::refused(&gateway, start).await.code == 4010
    };
    for (username, instance) in
        [("ada", "instance-1"), ("eve", "instance-1"), ("ada", "instance-2")]
    {
        assert!(is_refused(username, instance).await, "{username} on {instance}");
    }
    publisher(&gateway, "ada", "instance-4").await;
    gateway.advance(Duration::from_secs(61));
    publisher(&gateway, "ada", "instance-2").await;
    assert!(is_refused("ada", "instance-1").await, "its block is its own");
    host.does("unblock", json!({ "room": "lobby", "username": "ada", "scope": "app" })).await;
    publisher(&gateway, "ada", "instance-1").await;
}

#[tokio::test]
async fn exemption_of_a_guest_needs_its_proof() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-1").await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    host.does("lift_mute", json!({ "room": "lobby", "participant": ada.id() })).await;
    assert_eq!(ada.publish().await["muted"], false);
    let mut stranger = publisher(&gateway, "ada", "instance-2").await;
    assert_eq!(stranger.publish().await["muted"], true);
}

#[tokio::test]
async fn guests_of_a_shared_name_are_different_users() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let token = gateway.room_token("moderator");
    let mut mia = gateway.enter_with("mia", json!({ "room": "lobby", "token": token })).await;
    let mut stranger = publisher(&gateway, "mia", "instance-2").await;
    let stream = stranger.publish().await["id"].clone();
    mia.does("force_mute", json!({ "stream": stream, "lock": true })).await;
    assert_eq!(mia.publish().await["muted"], false, "the lock is the stranger's");
    mia.does("set_role", set_role(&stranger, "subscriber")).await;
    host.does("force_disconnect", json!({ "room": "lobby", "participant": stranger.id() })).await;
    stranger.push("removed").await;
    assert!(mia.received_of("removed").await.is_empty());
    mia.does("leave", json!({ "room": "lobby" })).await;
    let joined = mia.does("join", json!({ "room": "lobby", "token": token })).await;
    assert_eq!(joined["joined"]["participant"]["role"], "moderator");
    let own = json!({ "room": "lobby", "participant": joined["joined"]["participant"]["id"] });
    assert_eq!(mia.fails("force_disconnect", own).await, "self_moderation");
}

#[tokio::test]
async fn same_instance_under_another_name_is_oneself() {
    let gateway = Gateway::dev().await;
    let token = gateway.room_token("moderator");
    let join = json!({ "room": "lobby", "token": token });
    let mut mia = gateway.enter_on("mia", "instance-1", join).await;
    let other = publisher(&gateway, "eve", "instance-1").await;
    let kick = json!({ "room": "lobby", "participant": other.id() });
    assert_eq!(mia.fails("force_disconnect", kick).await, "self_moderation");
}

#[tokio::test]
async fn ref_of_a_guest_is_not_of_others_of_the_name() {
    let gateway = Gateway::dev().await;
    let token = gateway.room_token("moderator");
    let join = json!({ "room": "lobby", "token": token });
    let mut mia = gateway.enter_on("mia", "instance-1", join.clone()).await;
    let mut other = gateway.enter_on("mia", "instance-2", join).await;
    let lock = json!({ "room": "lobby", "ref": "r-1" });
    let first = mia.does("lock_room", lock.clone()).await;
    assert_ne!(other.does("lock_room", lock).await, first);
}

#[tokio::test]
async fn starts_of_other_guests_do_not_end_a_session() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let mut others = Vec::new();
    for n in 0..25 {
        others.push(Client::guest(&gateway, "ada", &format!("instance-{n}")).await.0);
        // The rate of starts per address is not what is tested.
        gateway.advance(Duration::from_millis(500));
    }
    assert!(ada.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn locked_mute_follows_the_instance_of_a_guest() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, _) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "room": "lobby", "participant": ada.id(), "lock": true }))
        .await;
    let mut eve = publisher(&gateway, "eve", "instance-of-ada").await;
    assert_eq!(eve.joined["participant"]["mute_locked"], true);
    assert_eq!(eve.publish().await["muted"], true);
    host.does("lift_mute", json!({ "room": "lobby", "participant": eve.id() })).await;
    eve.does("leave", json!({ "room": "lobby" })).await;
    let again = join(&mut eve, &gateway).await.unwrap();
    assert_eq!(again["joined"]["participant"]["mute_locked"], false);
}

#[tokio::test]
async fn demotion_follows_the_instance_of_a_guest() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = publisher(&gateway, "ada", "instance-1").await;
    host.does("set_role", set_role(&ada, "subscriber")).await;
    let mut eve = publisher(&gateway, "eve", "instance-1").await;
    assert_eq!(role_of(&eve), "subscriber");
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let publish = json!({ "room": "lobby", "stream": stream });
    assert_eq!(eve.fails("publish", publish).await, "forbidden");
}

#[tokio::test]
async fn penalty_covers_a_guest_who_left_before() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let on_user = |name: &str| json!({ "room": "lobby", "username": name });
    for (name, command, lock) in
        [("ada", "force_disconnect", None), ("bob", "force_mute", Some(true))]
    {
        let mut guest = publisher(&gateway, name, &format!("instance-of-{name}")).await;
        guest.does("leave", json!({ "room": "lobby" })).await;
        gateway.advance(Duration::from_mins(9));
        let mut body = on_user(name);
        if let Some(lock) = lock {
            body["lock"] = json!(lock);
        }
        host.does(command, body).await;
    }
    let (mut ada, _) = Client::guest(&gateway, "eve", "instance-of-ada").await;
    assert_eq!(join(&mut ada, &gateway).await.unwrap_err()["code"], "blocked");
    let mut bob = publisher(&gateway, "mallory", "instance-of-bob").await;
    assert_eq!(bob.publish().await["muted"], true);
}

#[tokio::test]
async fn later_penalty_covers_a_guest_who_was_removed() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = publisher(&gateway, "ada", "instance-of-ada").await;
    let block = json!({ "for_ms": 0 });
    let kick = json!({ "room": "lobby", "participant": ada.id(), "block": block });
    host.does("force_disconnect", kick).await;
    host.does("force_mute", json!({ "room": "lobby", "username": "ada", "lock": true })).await;
    let mut renamed = publisher(&gateway, "eve", "instance-of-ada").await;
    assert_eq!(renamed.publish().await["muted"], true);
}

#[tokio::test]
async fn registered_user_inherits_nothing_from_a_guest() {
    let gateway = Gateway::dev().await;
    let (mut host, ada, _) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "room": "lobby", "username": "ada", "lock": true })).await;
    ada.cut().await;
    let claims = json!({ "rooms": { "*": "publisher" } });
    let (client, started) = gateway.registered("ada", "instance-9", claims).await;
    let mut ada = Person::join(client, started, json!({ "room": "lobby" })).await;
    assert_eq!(ada.publish().await["muted"], false);
}

/// A moderator removes a guest from the app, by name or participant.
#[tokio::test]
async fn app_removal_of_a_guest_leaves_the_registered_user() {
    for names in [GuestNames::Exclusive, GuestNames::Shared] {
        let setup = Setup::new().with(move |config| config.apps[0].guest_names = names);
        let gateway = setup.run().await;
        let claims = json!({ "rooms": { "*": "moderator" }, "app_moderator": true });
        let mut host = gateway.member("host", claims).await;
        for (username, by_name) in [("ada", true), ("eve", false)] {
            let instance = format!("instance-of-{username}");
            let mut guest = publisher(&gateway, username, &instance).await;
            let mut kick = json!({ "room": "lobby", "block": { "scope": "app" } });
            if by_name {
                kick["username"] = json!(username);
            } else {
                kick["participant"] = json!(guest.id());
            }
            host.does("force_disconnect", kick).await;
            assert_eq!(guest.closed().await.code, 4010);
            for name in [username, "mallory"] {
                let start = json!({ "id": 0, "start": start_of(name, &instance) });
                assert_eq!(Client::refused(&gateway, start).await.code, 4010, "{name}");
            }
            let claims = json!({ "rooms": { "*": "publisher" } });
            let (client, started) = gateway.registered(username, "instance-9", claims).await;
            let mut user = Person::join(client, started, json!({ "room": "lobby" })).await;
            user.publish().await;
        }
    }
}

#[tokio::test]
async fn removed_guest_rejoins_under_no_earlier_name() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-1").await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    let mut bob = publisher(&gateway, "bob", "instance-1").await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    let block = json!({ "for_ms": 0 });
    let kick = json!({ "room": "lobby", "participant": bob.id(), "block": block });
    host.does("force_disconnect", kick).await;
    bob.push("removed").await;
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.fails("join", json!({ "room": "lobby" })).await, "room_locked");
    }
}

/// Its session goes on for longer than guests without one are retained.
#[tokio::test]
async fn guest_with_a_session_is_not_pruned() {
    let day = Duration::from_hours(24);
    let setup = Setup::new().with(move |config| {
        config.keepalive.interval = day * 30;
        config.keepalive.timeout = day * 30;
    });
    let gateway = setup.run().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut bea, gone) = Client::guest(&gateway, "bea", "instance-2").await;
    bea.request("end", json!({ "revoke": false })).await.unwrap();
    bea.closed().await;
    gateway.advance(day * 8);
    gateway.hub().prune_guests().await.unwrap();
    ada.request("renew", json!({})).await.unwrap();
    let mut start = start_of("bea", "instance-2");
    start["credentials"] = json!({ "token": gone["access_token"] });
    let refused = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
    assert_eq!(refused.code, 4101, "who has no session is pruned");
    gateway.advance(day * 8);
    gateway.hub().prune_guests().await.unwrap();
    gateway.registered("ada", "instance-3", json!({})).await;
    assert_eq!(ada.closed().await.code, 4101, "the name is registered");
}

#[tokio::test]
async fn previous_carries_no_moderator_role() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-1").await;
    host.does("set_role", set_role(&ada, "moderator")).await;
    ada.push("role_changed").await;
    let (mut eve, _) = Client::start(&gateway, continuing(&ada.started, "eve", "instance-2")).await;
    let joined = join(&mut eve, &gateway).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["role"], "publisher");
}

#[tokio::test]
async fn previous_moves_a_penalty_to_the_starter_alone() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = publisher(&gateway, "ada", "instance-1").await;
    let mut bob = publisher(&gateway, "bob", "instance-of-bob").await;
    host.does("force_mute", json!({ "room": "lobby", "participant": ada.id(), "lock": true }))
        .await;
    host.does("force_disconnect", json!({ "room": "lobby", "participant": ada.id() })).await;
    let (mut renamed, _) =
        Client::start(&gateway, continuing(&ada.started, "bob", "instance-2")).await;
    assert_eq!(join(&mut renamed, &gateway).await.unwrap_err()["code"], "blocked");
    assert!(bob.received_of("removed").await.is_empty());
    assert_eq!(bob.publish().await["muted"], false);
}

/// As [`continuing`], where the former session goes on.
fn keeping(started: &Value, username: &str, instance: &str) -> Value {
    let mut start = continuing(started, username, instance);
    start["previous"]["keep"] = json!(true);
    start
}

/// A gateway whose guest names belong to one person.
async fn exclusive(house: &House) -> Gateway {
    house.setup().with(exclusive_names).run().await
}

fn exclusive_names(config: &mut Config) {
    config.apps[0].guest_names = GuestNames::Exclusive;
}

/// The error reply to a start that may be sent again, on the connection that stays open.
async fn rejected(gateway: &Gateway, start: Value) -> (Client, Value) {
    let mut client = Client::connect(gateway).await;
    let id = client.begin("start", start).await;
    let error = client.reply(id).await.unwrap_err();
    (client, error)
}

#[tokio::test]
async fn held_guest_name_is_taken_and_start_may_be_repeated() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let (ada, _) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let stranger = || start_of("ada", "instance-2");
    let (mut client, error) = rejected(&gateway, stranger()).await;
    assert_eq!((&error["code"], &error["field"]), (&json!("name_taken"), &json!("start.username")));
    assert_eq!(error["retry_after_ms"], Value::Null, "the holder is connected");
    let started = client.establish(start_of("eve", "instance-2")).await;
    assert_eq!(started["session"]["user"]["username"], "eve");
    ada.cut().await;
    gateway.suspended("ada").await;
    let (_, error) = rejected(&gateway, stranger()).await;
    assert_eq!(error["code"], "name_taken", "a suspended session holds its name");
    assert!(error["retry_after_ms"].as_u64().unwrap() > 0);
    // On its own instance the guest comes back.
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    ada.request("end", json!({})).await.unwrap();
    ada.closed().await;
    let (_, started) = Client::start(&gateway, stranger()).await;
    assert_eq!(started["session"]["user"]["username"], "ada", "nothing of the former is kept");
}

#[tokio::test]
async fn racing_guests_get_a_name_once() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let starts = (0..8).map(|n| {
        let gateway = &gateway;
        async move {
            let mut client = Client::connect(gateway).await;
            let id = client.begin("start", start_of("ada", &format!("instance-{n}"))).await;
            let reply = client.reply(id).await;
            (client, reply.map_err(|error| error["code"].clone()))
        }
    });
    let decided = futures::future::join_all(starts).await;
    let taken = decided.iter().filter(|(_, reply)| *reply == Err(json!("name_taken"))).count();
    assert_eq!(taken, 7);
}

#[tokio::test]
async fn name_with_a_role_stays_reserved_over_a_restart() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-of-ada").await;
    host.does("set_role", set_role(&ada, "moderator")).await;
    ada.push("role_changed").await;
    ada.does("end", json!({})).await;
    let (_, error) = rejected(&gateway, start_of("ada", "instance-2")).await;
    assert_eq!(error["code"], "name_taken");
    drop(host);
    let gateway = house.reopen_with(gateway, exclusive_names).await;
    let (_, error) = rejected(&gateway, start_of("ada", "instance-2")).await;
    assert_eq!(error["code"], "name_taken");
    assert!(error["retry_after_ms"].as_u64().unwrap() > 0);
    let ada = publisher(&gateway, "ada", "instance-of-ada").await;
    assert_eq!(role_of(&ada), "moderator", "the instance proves the guest");
}

#[tokio::test]
async fn guest_keeps_its_name_when_names_become_exclusive() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-of-ada").await;
    host.does("set_role", set_role(&ada, "moderator")).await;
    ada.push("role_changed").await;
    gateway.reload(exclusive_names);
    let mut start = start_of("ada", "instance-of-ada");
    start["credentials"] = json!({ "token": ada.started["access_token"] });
    let (client, started) = Client::start(&gateway, start).await;
    let token = gateway.room_token("publisher");
    let join = json!({ "room": "lobby", "token": token });
    let mut again = Person::join(client, started, join).await;
    assert_eq!(role_of(&again), "moderator");
    again.does("end", json!({ "revoke": false })).await;
    let (_, error) = rejected(&gateway, start_of("ada", "instance-2")).await;
    assert_eq!(error["code"], "name_taken");
}

#[tokio::test]
async fn kept_previous_holds_the_name_on_two_instances() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-1").await;
    host.does("set_role", set_role(&ada, "moderator")).await;
    ada.push("role_changed").await;
    let (mut tab, _) = Client::start(&gateway, keeping(&ada.started, "ada", "instance-2")).await;
    let joined = join(&mut tab, &gateway).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["role"], "moderator");
    assert!(ada.request("renew", json!({})).await.is_ok(), "the first session goes on");
    let own = json!({ "room": "lobby", "participant": joined["joined"]["participant"]["id"] });
    assert_eq!(ada.fails("force_disconnect", own).await, "self_moderation");
}

#[tokio::test]
async fn previous_towards_a_held_name_changes_nothing() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let (mut host, mut ada, _) = gateway.host_and_speaker().await;
    let mut bob = publisher(&gateway, "bob", "instance-of-bob").await;
    host.does("force_mute", json!({ "room": "lobby", "participant": ada.id(), "lock": true }))
        .await;
    for keep in [false, true] {
        let mut start = continuing(&ada.started, "bob", "instance-of-ada");
        start["previous"]["keep"] = json!(keep);
        let (_, error) = rejected(&gateway, start).await;
        assert_eq!(error["code"], "name_taken");
    }
    assert!(ada.request("renew", json!({})).await.is_ok(), "the session goes on");
    assert!(
        bob.received_of("mute_forced").await.iter().all(|push| push["participant"] != bob.id())
    );
    assert_eq!(bob.publish().await["muted"], false);
}

#[tokio::test]
async fn after_name_taken_only_a_start_is_allowed() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let (ada, started) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let (mut client, _) = rejected(&gateway, start_of("ada", "instance-2")).await;
    ada.cut().await;
    gateway.suspended("ada").await;
    let resume = json!({
        "session": started["session"]["id"], "secret": started["resume"]["secret"], "last_seq": 0,
    });
    assert_eq!(client.request("resume", resume).await.unwrap_err()["code"], "not_allowed_now");
    assert_eq!(client.closed().await.code, 4502);
}

#[tokio::test]
async fn penalty_passes_to_another_instance_of_the_name() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let (mut host, mut ada, _) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "room": "lobby", "participant": ada.id(), "lock": true }))
        .await;
    let (client, started) =
        Client::start(&gateway, keeping(&ada.started, "ada", "instance-2")).await;
    let token = gateway.room_token("publisher");
    let mut tab = Person::join(client, started, json!({ "room": "lobby", "token": token })).await;
    assert_eq!(tab.publish().await["muted"], true);
    host.does("force_disconnect", json!({ "room": "lobby", "participant": ada.id() })).await;
    ada.push("removed").await;
    let (mut next, _) = Client::start(&gateway, keeping(&ada.started, "ada", "instance-3")).await;
    assert_eq!(join(&mut next, &gateway).await.unwrap_err()["code"], "blocked");
}

#[tokio::test]
async fn room_block_covers_all_holders_of_an_exclusive_name() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = publisher(&gateway, "ada", "instance-1").await;
    let (mut tab, _) = Client::start(&gateway, keeping(&ada.started, "ada", "instance-2")).await;
    let (mut third, _) = Client::start(&gateway, keeping(&ada.started, "ada", "instance-3")).await;
    join(&mut third, &gateway).await.unwrap();
    let block = json!({ "for_ms": 3_600_000 });
    let kick = json!({ "room": "lobby", "participant": ada.id(), "block": block });
    host.does("force_disconnect", kick).await;
    ada.push("removed").await;
    for client in [&mut tab, &mut third] {
        assert_eq!(join(client, &gateway).await.unwrap_err()["code"], "blocked");
    }
    drop((host, ada, third));
    let gateway = house.reopen_with(gateway, exclusive_names).await;
    let (mut tab, _) = Client::guest(&gateway, "ada", "instance-2").await;
    assert_eq!(join(&mut tab, &gateway).await.unwrap_err()["code"], "blocked");
    let mut host = gateway.enter("host", "moderator").await;
    host.does("unblock", json!({ "room": "lobby", "username": "ada" })).await;
    join(&mut tab, &gateway).await.unwrap();
}

#[tokio::test]
async fn penalty_of_an_exclusive_guest_outlives_a_restart() {
    let house = House::new();
    let gateway = exclusive(&house).await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = publisher(&gateway, "ada", "instance-of-ada").await;
    let mut bob = publisher(&gateway, "bob", "instance-of-bob").await;
    let carl = publisher(&gateway, "carl", "instance-of-carl").await;
    host.does("force_mute", json!({ "room": "lobby", "participant": ada.id(), "lock": true }))
        .await;
    host.does("set_role", set_role(&carl, "subscriber")).await;
    bob.does("leave", json!({ "room": "lobby" })).await;
    bob.does("end", json!({})).await;
    gateway.advance(Duration::from_mins(9));
    host.does("force_disconnect", json!({ "room": "lobby", "username": "bob" })).await;
    drop((host, ada, carl));
    let gateway = house.reopen_with(gateway, exclusive_names).await;
    let mut ada = publisher(&gateway, "eve", "instance-of-ada").await;
    assert_eq!(ada.publish().await["muted"], true);
    let (mut bob, _) = Client::guest(&gateway, "mallory", "instance-of-bob").await;
    assert_eq!(join(&mut bob, &gateway).await.unwrap_err()["code"], "blocked");
    let carl = publisher(&gateway, "carl-2", "instance-of-carl").await;
    assert_eq!(role_of(&carl), "subscriber");
}

#[tokio::test]
async fn guest_is_under_the_penalties_of_the_registered_user() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let claims = || json!({ "rooms": { "*": "publisher" } });
    let on_user = |name: &str| json!({ "room": "lobby", "username": name });
    for name in ["muted", "demoted", "kicked"] {
        let (client, started) = gateway.registered(name, &format!("of-{name}"), claims()).await;
        let person = Person::join(client, started, json!({ "room": "lobby" })).await;
        match name {
            "muted" => {
                let mute = json!({ "room": "lobby", "participant": person.id(), "lock": true });
                host.does("force_mute", mute).await;
            }
            "demoted" => drop(host.does("set_role", set_role(&person, "subscriber")).await),
            _ => drop(host.does("force_disconnect", on_user(name)).await),
        }
        person.cut().await;
    }
    let mut guest = publisher(&gateway, "guest-1", "of-muted").await;
    assert_eq!(guest.joined["participant"]["mute_locked"], true);
    assert_eq!(guest.publish().await["muted"], true);
    let demoted = publisher(&gateway, "guest-2", "of-demoted").await;
    assert_eq!(role_of(&demoted), "subscriber");
    let (mut blocked, _) = Client::guest(&gateway, "guest-3", "of-kicked").await;
    assert_eq!(join(&mut blocked, &gateway).await.unwrap_err()["code"], "blocked");
    // It is the registered user's penalty: it ends with it.
    host.does("lift_mute", on_user("muted")).await;
    host.does("unblock", on_user("kicked")).await;
    assert!(join(&mut blocked, &gateway).await.is_ok());
    guest.does("leave", json!({ "room": "lobby" })).await;
    let again = join(&mut guest, &gateway).await.unwrap();
    assert_eq!(again["joined"]["participant"]["mute_locked"], false);
}

#[tokio::test]
async fn ban_of_a_registered_user_covers_guests_on_the_instance() {
    let house = House::new();
    let gateway = house.open().await;
    let (mut eve, _) = gateway.registered("eve", "instance-of-eve", json!({})).await;
    let (mut other, _) = gateway.registered("bob", "instance-of-bob", json!({})).await;
    let ban = json!({ "for_ms": 60_000 });
    assert_eq!(gateway.api("POST", "users/eve/ban", Some(ban)).await.status, 200);
    assert_eq!(eve.closed().await.code, 4011);
    let gateway = house.reopen(gateway).await;
    let start = |instance: &str| json!({ "id": 0, "start": start_of("guest", instance) });
    assert_eq!(Client::refused(&gateway, start("instance-of-eve")).await.code, 4011);
    other.closed_or_lost().await;
    Client::guest(&gateway, "guest", "instance-of-bob").await;
    gateway.advance(Duration::from_secs(61));
    Client::guest(&gateway, "guest-2", "instance-of-eve").await;
}
