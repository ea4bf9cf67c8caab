//! Rows on disk: guests and moderation records of an app.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Client, Gateway, House, Person, Setup, start_of};

/// Longer than a guest must have been idle to be forgotten.
const IDLE: Duration = Duration::from_mins(2);

async fn shows(gateway: &Gateway, sample: &str) {
    while !gateway.hub().scrape().lines().any(|line| line == sample) {
        tokio::task::yield_now().await;
    }
}

/// A guest whose session has ended.
async fn visit(gateway: &Gateway, username: &str) -> Value {
    let (mut client, started) =
        Client::guest(gateway, username, &format!("instance-of-{username}")).await;
    client.request("end", json!({ "revoke": false })).await.unwrap();
    client.closed().await;
    gateway.advance(Duration::from_secs(1));
    started
}

fn by_token(started: &Value) -> Value {
    let username = started["session"]["user"]["username"].as_str().unwrap();
    let mut start = start_of(username, &format!("instance-of-{username}"));
    start["credentials"] = json!({ "token": started["access_token"] });
    start
}

#[tokio::test]
async fn guests_beyond_the_limit_are_forgotten_oldest_first() {
    let gateway = Setup::new().with(|config| {
        config.limits.guests_per_app = 4;
        config.resume.window = Duration::from_mins(10);
    });
    let gateway = gateway.run().await;
    let mut host = gateway.enter("host", "moderator").await;
    let demoted = gateway.enter("demoted", "publisher").await;
    let demote = json!({ "room": "lobby", "participant": demoted.id(), "role": "subscriber" });
    host.does("set_role", demote).await;
    host.durable_receipt().await;
    let of_demoted = demoted.started.clone();
    let mut demoted = demoted.into_client();
    demoted.request("end", json!({ "revoke": false })).await.unwrap();
    demoted.closed().await;
    let (first, second) = (visit(&gateway, "first").await, visit(&gateway, "second").await);
    shows(&gateway, "stagedoor_stored_guests 4").await;
    let start = json!({ "id": 0, "start": start_of("late", "instance-of-late") });
    let refused = Client::refused(&gateway, start).await;
    assert_eq!((refused.code, &refused.disconnect["action"]), (4201, &json!("retry")));
    assert_eq!(refused.disconnect["retry_after_ms"], 10_000);
    let host = host.cut().await;
    gateway.suspended("host").await;
    gateway.advance(IDLE);
    shows(&gateway, "stagedoor_stored_guests 3").await;
    Client::guest(&gateway, "late", "instance-of-late").await;
    let forgotten = json!({ "id": 0, "start": by_token(&first) });
    assert_eq!(Client::refused(&gateway, forgotten).await.code, 4101);
    Client::start(&gateway, by_token(&second)).await;
    Client::start(&gateway, by_token(&of_demoted)).await;
    let mut host = Person::resume(&gateway, host).await;
    host.does("renew", json!({})).await;
}

#[tokio::test]
async fn count_of_guests_survives_a_restart() {
    let house = House::new();
    let gateway = house.open().await;
    for name in ["ada", "bob", "eve"] {
        visit(&gateway, name).await;
    }
    let bound = |config: &mut stagedoor::config::Config| config.limits.guests_per_app = 3;
    let gateway = house.reopen_with(gateway, bound).await;
    shows(&gateway, "stagedoor_stored_guests 3").await;
    let start = json!({ "id": 0, "start": start_of("zoe", "instance-of-zoe") });
    assert_eq!(Client::refused(&gateway, start).await.code, 4201);
}

/// A gateway whose app has one record less than its limit.
async fn nearly_full() -> (Gateway, Person) {
    let gateway = Setup::new().with(|config| config.limits.moderation_records_per_app = 20);
    let gateway = gateway.run().await;
    let mut host = gateway.enter("host", "moderator").await;
    for n in 0..17 {
        let id = gateway.enter(&format!("user-{n}"), "publisher").await.id();
        let demote = json!({ "room": "lobby", "participant": id, "role": "subscriber" });
        host.does("set_role", demote).await;
        // The rates of starts and of commands are not what is tested.
        gateway.advance(Duration::from_millis(500));
    }
    shows(&gateway, "stagedoor_moderation_records 17").await;
    (gateway, host)
}

#[tokio::test]
async fn moderation_records_of_an_app_are_bounded() {
    let (gateway, mut host) = nearly_full().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let lock = json!({ "room": "lobby", "ref": "once" });
    let locked = host.does("lock_room", lock.clone()).await;
    shows(&gateway, "stagedoor_moderation_records 18").await;
    let kick = json!({ "room": "lobby", "participant": ada.id() });
    assert_eq!(host.fails("force_disconnect", kick).await, "overloaded");
    assert_eq!(host.does("lock_room", lock).await, locked, "a repeated command is answered");
    host.does("unlock_room", json!({ "room": "lobby" })).await;
    let single = json!({ "scope": "room", "room": "stage", "role": "publisher", "jti": "one" });
    let join = json!({ "room": "stage", "token": gateway.token(single) });
    assert_eq!(ada.fails("join", join).await, "overloaded");
    // A tenth is the server's.
    for name in ["one", "two"] {
        let ban = format!("users/{name}/ban");
        gateway.api_does("POST", &ban, json!({ "for_ms": 60_000 })).await;
    }
    assert_eq!(gateway.api_fails("users/three/ban", json!({})).await.0, 503);
    gateway.api_does("DELETE", "users/one/ban", json!({})).await;
    gateway.api_does("POST", "users/three/ban", json!({})).await;
}

#[tokio::test]
async fn exemptions_count_to_the_records_of_their_app() {
    let (gateway, mut host) = nearly_full().await;
    let ada = gateway.enter("ada", "publisher").await.id();
    let bob = gateway.enter("bob", "publisher").await.id();
    let eve = gateway.enter("eve", "publisher").await.id();
    let of = |id: &Value| json!({ "room": "lobby", "participant": id });
    host.does("force_mute", json!({ "room": "lobby", "participant": ada, "lock": true })).await;
    shows(&gateway, "stagedoor_moderation_records 18").await;
    gateway.api_does("POST", "rooms/lobby/force_mute_all", json!({})).await;
    shows(&gateway, "stagedoor_moderation_records 19").await;
    host.does("lift_mute", of(&ada)).await;
    assert_eq!(host.fails("lift_mute", of(&bob)).await, "overloaded");
    let lift = "rooms/lobby/lift_mute";
    gateway.api_does("POST", lift, json!({ "participant": bob })).await;
    shows(&gateway, "stagedoor_moderation_records 20").await;
    assert_eq!(gateway.api_fails(lift, json!({ "participant": eve })).await.0, 503);
    host.does("disable_force_mute", json!({ "room": "lobby" })).await;
    shows(&gateway, "stagedoor_moderation_records 18").await;
}
