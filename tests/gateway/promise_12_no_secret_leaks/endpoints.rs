//! Endpoints that take nothing: what is logged of that, and what the server API shows.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::clock::Clock;
use stagedoor::event_type::OutboxShare;
use stagedoor::store::{NewMessage, Outbox as _, SqliteStore};

use super::Canaries;
use super::configured::{Configured, OLD, server_key};
use super::running::Running;
use super::servers::ENDPOINTS;

/// Leaves a message in the store that was tried for more than a day, before a gateway has it.
pub async fn leave_a_dead_letter(configured: &Configured) {
    let at = Clock::system().wall() - Duration::from_hours(25);
    let body = json!({ "type": "user.banned", "data": { "username": "canary-name-of-old" } });
    let message = NewMessage {
        endpoint: ENDPOINTS[0].into(),
        event: 1,
        kind: "user.banned".into(),
        share: OutboxShare::Reserved,
        body: body.to_string().into(),
        at,
    };
    let store = SqliteStore::open(&configured.store()).await.unwrap();
    store.put_messages("shop".into(), vec![message], 10, at).await.unwrap();
}

/// Waits until each of them failed, and looks at what is shown of that.
pub async fn fail(running: &Running, canaries: &Canaries) {
    let key = server_key(OLD);
    let get = async |path| {
        let (status, answer) = running.api(&key, "GET", path, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let failed = async {
        loop {
            let answer = get("webhooks").await;
            let received: Value = serde_json::from_str(&answer).unwrap();
            let endpoints = received["endpoints"].as_array().unwrap();
            assert_eq!(endpoints.len(), ENDPOINTS.len());
            let have_failed = endpoints.iter().all(|endpoint| endpoint["failed"] != 0);
            if have_failed && endpoints[0]["dead"] == 1 {
                return answer;
            }
        }
    };
    let received = tokio::time::timeout(Duration::from_secs(10), failed).await.expect("all fail");
    canaries.assert_absent("what is shown of endpoints", &received);
    let letters = get("webhooks/dead-letters").await;
    assert!(letters.contains("canary-name-of-old"), "{letters}");
    canaries.assert_no_secret("dead letters", &letters);
}
