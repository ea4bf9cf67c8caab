//! Attempts that fail, and what comes after them.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::clock::Clock;
use stagedoor::config::WebhookEndpoint;
use stagedoor_proto::Timestamp;

use super::receiver::{Answer, Receiver};
use super::{endpoint_at, of_bans, setup};
use crate::common::{Client, Gateway, Setup};

const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(24 * 365);

#[tokio::test]
async fn a_message_that_failed_comes_again_and_then_no_more() {
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    gateway.ban("eve").await;
    let first = receiver.next().await;
    let failing = gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    assert_eq!(failing["last_error"], "answered with status 500");
    assert_eq!((&failing["state"], &failing["pending"]), (&json!("failing"), &json!(1)));
    receiver.answers(Answer::Status(200));
    gateway.advance(Duration::from_secs(5));
    let again = receiver.next().await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_ne!(again.header("webhook-timestamp"), first.header("webhook-timestamp"));
    let well =
        gateway.endpoint_stats("crm", |crm| crm["pending"] == 0 && crm["delivered"] == 1).await;
    assert_eq!((&well["state"], &well["failed"]), (&json!("ok"), &json!(1)));
    gateway.advance(DAY);
    gateway.ban("next").await;
    assert_eq!(receiver.next().await.event()["data"]["username"], "next");
}

#[tokio::test]
async fn a_busy_endpoint_is_left_alone_for_as_long_as_it_says() {
    for status in [429, 503] {
        let busy = Answer::With(status, "retry-after", "600".to_owned());
        let mut receiver = Receiver::run(busy).await;
        let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
        gateway.ban("eve").await;
        receiver.next().await;
        let until = gateway.clock().wall().as_millis() + 600_000;
        let paused = gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
        assert_eq!(paused["paused_until_ms"], until, "{status}");
        receiver.answers(Answer::Status(200));
        gateway.advance(Duration::from_secs(599));
        gateway.ban("bob").await;
        gateway.endpoint_stats("crm", |crm| crm["pending"] == 2).await;
        assert!(receiver.is_quiet(), "{status}");
        gateway.advance(Duration::from_secs(1));
        receiver.next().await;
        receiver.next().await;
        gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
    }
}

#[tokio::test]
async fn webhooks_follow_a_stepped_wall_clock_and_retries_do_not() {
    for step in [60_000, -60_000, 86_400_000, -86_400_000] {
        let mut receiver = Receiver::run(Answer::Status(500)).await;
        let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
        gateway.ban("eve").await;
        receiver.next().await;
        gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
        receiver.answers(Answer::Status(200));
        let wall = gateway.clock().wall().as_millis().strict_add_signed(step);
        gateway.clock().step_wall(Timestamp::from_millis(wall));
        gateway.advance(Duration::from_secs(5));
        let again = receiver.next().await;
        assert_eq!(again.header("webhook-timestamp"), ((wall + 5_000) / 1_000).to_string());
        let stats = gateway.endpoint_stats("crm", |crm| crm["delivered"] == 1).await;
        assert_eq!(stats["last_delivered_ms"], wall + 5_000, "{step}");
        assert_eq!(stats["dead"], 0, "{step}");
    }
}

#[tokio::test]
async fn undelivered_message_is_dead_lettered_and_replayable() {
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    for (number, username) in ["eve", "bob", "mia"].into_iter().enumerate() {
        gateway.ban(username).await;
        receiver.next().await;
        gateway.endpoint_stats("crm", |crm| crm["failed"] == number + 1).await;
        // It is given up then before it is tried once more.
        gateway.advance(DAY + Duration::from_hours(1));
        gateway.endpoint_stats("crm", |crm| crm["dead"] == number + 1).await;
    }
    let page = gateway.dead_letters("?limit=2").await;
    let [first, second] = page["items"].as_array().unwrap().as_slice() else {
        panic!("a page of two: {page}");
    };
    assert_eq!(first["body"]["data"]["username"], "eve");
    assert_eq!((&first["type"], &first["endpoint"]), (&json!("user.banned"), &json!("crm")));
    assert!(first["error"].is_string() && first["at_ms"].is_u64(), "{first}");
    let next = page["next"].as_str().unwrap();
    let rest = gateway.dead_letters(&format!("?cursor={next}")).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest.get("next"), None);

    while !receiver.is_quiet() {}
    receiver.answers(Answer::Status(200));
    let one = format!("webhooks/dead-letters/{}/replay", second["number"]);
    let answer = gateway.api("POST", &one, None).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({ "replayed": 1 })));
    assert_eq!(receiver.next().await.event(), second["body"]);
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
    assert_eq!(gateway.api("POST", &one, None).await.status, 404, "it was delivered");
    let all = Some(json!({ "endpoint": "crm" }));
    let answer = gateway.api("POST", "webhooks/dead-letters/replay", all).await;
    assert_eq!(answer.body, json!({ "replayed": 2 }));
    let mut delivered = [receiver.next().await, receiver.next().await]
        .map(|delivered| username(&delivered.event()));
    delivered.sort();
    assert_eq!(delivered, ["eve", "mia"]);
    let well = gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
    assert_eq!(well["dead"], 0);
    let audit = gateway.api("GET", "audit", None).await.body;
    let rows = audit["items"].as_array().unwrap().iter().filter(|row| row["command"] == "replay");
    let what: Vec<_> = rows.map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(what, [&*format!("dead letter {}", second["number"]), "dead letters of crm"]);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_replayed() {
    let receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    for (path, body, status) in [
        ("webhooks/dead-letters/1/replay", None, 404),
        ("webhooks/dead-letters/first/replay", None, 400),
        ("webhooks/dead-letters/replay", Some(json!({ "endpoint": "other" })), 404),
        ("webhooks/dead-letters/replay", Some(json!({})), 400),
    ] {
        assert_eq!(gateway.api("POST", path, body).await.status, status, "{path}");
    }
    for (query, status) in [("?limit=0", 400), ("?limit=1001", 400), ("?page=1", 400), ("", 200)] {
        let answer = gateway.api("GET", &format!("webhooks/dead-letters{query}"), None).await;
        assert_eq!(answer.status, status, "{query}");
    }
    let none = Gateway::dev().await;
    assert_eq!(none.api("GET", "webhooks", None).await.body["endpoints"], json!([]));
    let letters = none.api("GET", "webhooks/dead-letters", None).await;
    assert_eq!((letters.status, &letters.body["items"]), (200, &json!([])));
}

#[tokio::test]
async fn gone_endpoint_is_disabled_until_a_replay() {
    let of_all = Some(json!({ "endpoint": "crm" }));
    for (path, body) in [("webhooks/dead-letters/replay", of_all), (ONE, None)] {
        let mut receiver = Receiver::run(Answer::Status(410)).await;
        let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
        gateway.ban("eve").await;
        receiver.next().await;
        gateway.endpoint_stats("crm", |crm| crm["state"] == "disabled").await;
        receiver.answers(Answer::Status(200));
        gateway.ban("bob").await;
        gateway.advance(DAY);
        gateway.endpoint_stats("crm", |crm| crm["dead"] == 1 && crm["pending"] == 0).await;
        assert!(receiver.is_quiet());
        assert_eq!(gateway.api("POST", path, body).await.body, json!({ "replayed": 1 }), "{path}");
        assert_eq!(username(&receiver.next().await.event()), "eve", "{path}");
        gateway.ban("mia").await;
        assert_eq!(username(&receiver.next().await.event()), "mia", "{path}");
    }
}

#[tokio::test]
async fn messages_of_a_removed_endpoint_are_listed_and_kept() {
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    gateway.reload_endpoints(vec![]);
    gateway.endpoint_stats("crm", |crm| crm["state"] == "former" && crm["pending"] == 1).await;
    gateway.advance(DAY);
    gateway.endpoint_stats("crm", |crm| crm["dead"] == 1 && crm["pending"] == 0).await;
    let letters = gateway.api("GET", "webhooks/dead-letters", None).await.body;
    assert_eq!(username(&letters["items"][0]["body"]), "eve");
    let refused = gateway.api("POST", ONE, None).await;
    assert_eq!(refused.status, 404);
    assert!(refused.body["detail"].as_str().unwrap().contains("\"crm\""), "{}", refused.body);
    receiver.answers(Answer::Status(200));
    gateway.reload_endpoints(vec![of_bans("crm", &receiver)]);
    assert_eq!(gateway.api("POST", ONE, None).await.status, 200);
    assert_eq!(username(&receiver.next().await.event()), "eve");
}

/// Tries the first message there was again.
const ONE: &str = "webhooks/dead-letters/1/replay";

#[tokio::test]
async fn hanging_endpoint_delays_no_other() {
    let mut hanging = Receiver::run(Answer::Nothing).await;
    let mut other = Receiver::run(Answer::Status(200)).await;
    let deadline = Duration::from_mins(1);
    let slow = WebhookEndpoint { deadline, ..endpoint_at("slow", hanging.url()) };
    let gateway = setup(vec![slow, of_bans("crm", &other)]).run().await;
    for number in 0..20 {
        gateway.ban(&format!("user-{number}")).await;
    }
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    ada.request("join", json!({ "room": "lobby" })).await.unwrap();
    for _ in 0..20 {
        other.next().await;
    }
    for _ in 0..4 {
        hanging.next().await;
    }
    gateway.endpoint_stats("slow", |slow| slow["pending"].as_u64() >= Some(20)).await;
    assert!(hanging.is_quiet(), "it has as many attempts under way as it may");
    gateway.stop().await;
}

#[tokio::test]
async fn no_answer_within_the_deadline_is_a_failure() {
    let receiver = Receiver::run(Answer::Nothing).await;
    let deadline = Duration::from_millis(20);
    let endpoint = WebhookEndpoint { deadline, ..of_bans("crm", &receiver) };
    let gateway = setup(vec![endpoint]).run().await;
    gateway.ban("eve").await;
    let failing = gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    assert_eq!(failing["pending"], 1);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let mut receiver = Receiver::run(Answer::Endless).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["delivered"] == 1 && crm["pending"] == 0).await;
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::run(Answer::Nothing).await;
    let endpoint = of_bans("crm", &receiver);
    let gateway = setup(vec![endpoint.clone()]).data(data.path()).run().await;
    gateway.ban("eve").await;
    let first = receiver.next().await;
    gateway.stop().await;
    receiver.answers(Answer::Status(200));
    let gateway = setup(vec![endpoint]).data(data.path()).run().await;
    assert_eq!(receiver.next().await.body, first.body);
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_after_a_crash() {
    let data = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut receiver = Receiver::run(Answer::Nothing).await;
    let endpoint = of_bans("crm", &receiver);
    let killed = setup(vec![endpoint.clone()]).data(data[0].path()).run().await;
    killed.ban("eve").await;
    let first = receiver.next().await;
    // What a killed process leaves is its files as they are now.
    for file in ["stagedoor.db", "stagedoor.db-wal"] {
        std::fs::copy(data[0].path().join(file), data[1].path().join(file)).unwrap();
    }
    receiver.answers(Answer::Status(200));
    let gateway: Setup = setup(vec![endpoint]).data(data[1].path());
    let gateway = gateway.run().await;
    assert_eq!(receiver.next().await.body, first.body);
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
}

#[tokio::test]
async fn messages_of_a_clock_that_was_ahead_are_delivered() {
    let data = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let endpoint = of_bans("crm", &receiver);
    let gateway = setup(vec![endpoint.clone()]).data(data.path()).run().await;
    let now = gateway.clock().wall();
    gateway.clock().step_wall(now + YEAR);
    gateway.ban("eve").await;
    let first = receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    gateway.stop().await;
    receiver.answers(Answer::Status(200));
    let gateway = setup(vec![endpoint]).data(data.path()).clock(Clock::manual(now)).run().await;
    assert_eq!(receiver.next().await.body, first.body);
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
}

fn username(event: &Value) -> String {
    event["data"]["username"].as_str().unwrap().to_owned()
}
