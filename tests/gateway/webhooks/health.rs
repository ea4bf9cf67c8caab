//! What `/metrics` shows of webhooks: attempts, endpoint health, and dead letters.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stagedoor::config::WebhookEndpoint;
use stagedoor::event_type::EventType;
use stagedoor::store::NewMessage;
use stagedoor::webhook::MAX_MESSAGES;

use super::receiver::{Answer, Receiver};
use super::{endpoint_at, of_bans, setup};
use crate::common::Client;
use crate::metrics::{Scrape, assert_exposed};

#[tokio::test]
async fn failed_and_successful_deliveries_are_counted() {
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    assert_exposed(&Scrape::of(&gateway).await, &[(OK, 1.0), (FAILING, 0.0), (FAILED, 0.0)]);
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    let failed = [(OK, 0.0), (FAILING, 1.0), (FAILED, 1.0), (DELIVERED, 0.0), (ATTEMPTS, 1.0)];
    assert_exposed(&Scrape::of(&gateway).await, &failed);

    receiver.answers(Answer::Status(200));
    gateway.advance(Duration::from_secs(5));
    gateway.endpoint_stats("crm", |crm| crm["delivered"] == 1).await;
    let well = [(OK, 1.0), (FAILING, 0.0), (FAILED, 1.0), (DELIVERED, 1.0), (ATTEMPTS, 2.0)];
    assert_exposed(&Scrape::of(&gateway).await, &well);
    assert_exposed(&Scrape::of(&gateway).await, &[(GIVEN_UP, 0.0), (DROPPED, 0.0)]);
}

#[tokio::test]
async fn gone_endpoints_and_dead_letters_are_counted() {
    let mut receiver = Receiver::run(Answer::Status(410)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["state"] == "disabled").await;
    assert_exposed(&Scrape::of(&gateway).await, &[(GONE, 1.0), (DISABLED, 1.0), (GIVEN_UP, 0.0)]);
    gateway.advance(Duration::from_hours(25));
    while Scrape::of(&gateway).await.value(GIVEN_UP) < 1.0 {}
    let all = serde_json::json!({ "endpoint": "crm" });
    receiver.answers(Answer::Status(200));
    gateway.api("POST", "webhooks/dead-letters/replay", Some(all)).await;
    gateway.endpoint_stats("crm", |crm| crm["state"] == "ok").await;
    assert_exposed(&Scrape::of(&gateway).await, &[(OK, 1.0), (DISABLED, 0.0), (DELIVERED, 1.0)]);
}

#[tokio::test]
async fn blocked_call_and_unanswered_call_are_distinct() {
    let receiver = Receiver::run(Answer::Nothing).await;
    let url = format!("http://localhost:{}/events", receiver.port());
    let private = WebhookEndpoint { allow_private: false, ..of_bans("private", &receiver) };
    let private = WebhookEndpoint { url, ..private };
    // No server listens there.
    let events = private.events.clone();
    let closed =
        WebhookEndpoint { events, ..endpoint_at("closed", "http://127.0.0.1:1/".to_owned()) };
    let gateway = setup(vec![private, closed]).run().await;
    gateway.ban("eve").await;
    for endpoint in ["private", "closed"] {
        gateway.endpoint_stats(endpoint, |delivered| delivered["failed"] == 1).await;
    }
    let delivered = [(FORBIDDEN, 1.0), (UNANSWERED, 1.0), (FAILED, 0.0), (FAILING, 2.0)];
    assert_exposed(&Scrape::of(&gateway).await, &delivered);
}

#[tokio::test]
async fn pending_and_dead_letters_are_gauged_with_oldest_age() {
    let data = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).data(data.path()).run().await;
    assert_exposed(&Scrape::of(&gateway).await, &[(PENDING, 0.0), (DEAD, 0.0), (OLDEST, 0.0)]);
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    gateway.advance(Duration::from_secs(2));
    gateway.ban("bob").await;
    while Scrape::of(&gateway).await.value(PENDING) < 2.0 {}
    while Scrape::of(&gateway).await.value(OLDEST) < 2.0 {}
    assert_exposed(&Scrape::of(&gateway).await, &[(OLDEST, 2.0), (DEAD, 0.0)]);

    gateway.advance(Duration::from_hours(25));
    while Scrape::of(&gateway).await.value(DEAD) < 2.0 {}
    assert_exposed(&Scrape::of(&gateway).await, &[(PENDING, 0.0), (OLDEST, 0.0)]);
    let clock = gateway.clock().clone();
    gateway.stop().await;
    let gateway = setup(vec![]).data(data.path()).clock(clock.clone()).run().await;
    while Scrape::of(&gateway).await.value(DEAD) < 2.0 {}

    gateway.stop().await;
    receiver.answers(Answer::Status(200));
    let gateway = setup(vec![of_bans("crm", &receiver)]).data(data.path()).clock(clock).run().await;
    let all = serde_json::json!({ "endpoint": "crm" });
    gateway.api("POST", "webhooks/dead-letters/replay", Some(all)).await;
    gateway.endpoint_stats("crm", |crm| crm["delivered"] == 2).await;
    while Scrape::of(&gateway).await.value(DEAD) > 0.0 {}
    while Scrape::of(&gateway).await.value(PENDING) > 0.0 {}
}

#[tokio::test]
async fn flood_of_sessions_pushes_out_no_ban() {
    let gateway = setup(vec![endpoint_at("crm", "http://127.0.0.1:1/".to_owned())]).run().await;
    gateway.ban("eve").await;
    let (app, at) = (Arc::<str>::from("demo"), gateway.clock().wall());
    let store = Arc::clone(gateway.hub().store());
    let flap = |event: u64| NewMessage {
        endpoint: "crm".into(),
        event: event.into(),
        kind: EventType::SessionStarted.to_string().into(),
        share: EventType::SessionStarted.outbox_share(),
        body: "{}".into(),
        at,
    };
    for batch in 0..MAX_MESSAGES / 1_000 {
        let messages = (0..1_000).map(|n| flap(batch * 1_000 + n)).collect();
        store.put_messages(app.clone(), messages, MAX_MESSAGES, at).await.unwrap();
    }
    let (ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    ada.cut().await;
    let (mut host, _) = Client::guest(&gateway, "host", "instance-2").await;
    let token = gateway.room_token("moderator");
    host.request("join", json!({ "room": "lobby", "token": token })).await.unwrap();
    host.request("force_disconnect", json!({ "room": "lobby", "username": "ada" })).await.unwrap();
    while Scrape::of(&gateway).await.value(DROPPED) < 1.0 {}
    let due = at + Duration::from_hours(24);
    let limit = usize::try_from(MAX_MESSAGES).unwrap();
    let stored = store.due_messages(app, "crm".into(), due, limit).await.unwrap().messages;
    for kind in ["user.banned", "moderation.force_disconnect"] {
        let count = stored.iter().filter(|message| *message.new.kind == *kind).count();
        assert_eq!(count, 1, "{kind}");
    }
    assert_exposed(&Scrape::of(&gateway).await, &[(DROPPED_RESERVED, 0.0)]);
}

pub const OK: &str = r#"webhook_endpoints{state="ok"}"#;
pub const FAILING: &str = r#"webhook_endpoints{state="failing"}"#;
pub const DISABLED: &str = r#"webhook_endpoints{state="disabled"}"#;
const DELIVERED: &str = r#"webhook_attempts_total{outcome="delivered"}"#;
const FAILED: &str = r#"webhook_attempts_total{outcome="failed"}"#;
pub const GONE: &str = r#"webhook_attempts_total{outcome="gone"}"#;
const FORBIDDEN: &str = r#"webhook_attempts_total{outcome="forbidden"}"#;
const UNANSWERED: &str = r#"webhook_attempts_total{outcome="unanswered"}"#;
const ATTEMPTS: &str = "webhook_attempt_duration_seconds_count";
const GIVEN_UP: &str = "webhook_dead_lettered_messages_total";
pub const PENDING: &str = r#"webhook_messages{state="pending"}"#;
const DEAD: &str = r#"webhook_messages{state="dead"}"#;
const OLDEST: &str = "webhook_oldest_pending_seconds";
const DROPPED: &str = "webhook_dropped_messages_total";
const DROPPED_RESERVED: &str = "webhook_dropped_reserved_messages_total";
