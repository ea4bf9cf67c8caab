//! Budgets: one client cannot use up what others need.

use std::time::Duration;

use serde_json::json;

use super::limited;
use crate::common::{Client, Setup, start_of};

#[tokio::test]
async fn denials_beyond_the_limit_share_an_audit_row() {
    let gateway = limited(|limits| limits.audit_denials_per_minute = 1).await;
    for name in ["ada", "bob", "eve"] {
        let mut guest = gateway.enter(name, "publisher").await;
        for _ in 0..2 {
            guest.fails("lock_room", json!({ "room": "lobby" })).await;
        }
    }
    gateway.advance(Duration::from_mins(1));
    let rows = loop {
        let rows = gateway.hub().store().audit_rows("demo".into(), 0, 10).await.unwrap();
        if rows.len() >= 2 {
            break rows;
        }
    };
    let mut commands: Vec<&str> = rows.iter().map(|row| &*row.event.command).collect();
    commands.sort_unstable();
    assert_eq!(commands, ["denied_commands", "lock_room"]);
}

#[tokio::test]
async fn session_opens_so_many_rooms_a_minute() {
    let gateway = limited(|limits| limits.rooms_opened_per_minute = 2).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let join = |room: &str| json!({ "room": room });
    ada.does("join", join("second")).await;
    let error = ada.request("join", join("third")).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retry_after_ms"]),
        (&json!("too_many_rooms"), &json!(30_000))
    );
    bob.does("join", join("third")).await;
    ada.does("join", join("third")).await;
}

#[tokio::test]
async fn rooms_of_one_app_leave_space_to_others() {
    let gateway = Setup::new().with(|config| {
        config.limits.rooms_per_app = 1;
        let mut other = config.apps[0].clone();
        other.id = "other".into();
        config.apps.push(other);
    });
    let gateway = gateway.run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let error = ada.request("join", json!({ "room": "second" })).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retry_after_ms"]),
        (&json!("too_many_rooms"), &json!(10_000))
    );
    let mut start = start_of("bob", "instance-of-bob");
    start["app"] = json!("other");
    let (mut bob, _) = Client::start(&gateway, start).await;
    bob.request("join", json!({ "room": "lobby" })).await.unwrap();
    ada.does("join", json!({ "room": "lobby", "token": gateway.room_token("publisher") })).await;
}
