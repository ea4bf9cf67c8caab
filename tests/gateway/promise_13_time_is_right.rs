//! Tokens and times follow the wall clock, also after it stepped. Timers follow the monotonic clock, and a step closes
//! no connection.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::clock::Clock;
use stagedoor::config::Config;
use stagedoor_proto::Timestamp;

use crate::common::{Client, Gateway, House, Log, Person, Setup, start_of};
use crate::metrics::Scrape;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
/// Steps of the wall clock, in seconds.
const STEPS: [i64; 4] = [MINUTE, -MINUTE, DAY, -DAY];
const GRACE: Duration = Duration::from_mins(10);
const WINDOW: Duration = Duration::from_secs(30);
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sessions outlive the longest step, and no silence ends a connection.
fn long_lived(config: &mut Config) {
    config.apps[0].access_ttl = Duration::from_hours(7 * 24);
    no_heartbeat(config);
}

/// Sessions expire by a step of a day.
fn short_lived(config: &mut Config) {
    config.apps[0].access_ttl = Duration::from_hours(1);
    no_heartbeat(config);
}

fn no_heartbeat(config: &mut Config) {
    config.keepalive.interval = Duration::from_hours(48);
    config.keepalive.room_interval = Duration::from_hours(48);
}

impl Gateway {
    /// Steps the wall clock and waits until the gateway has noticed.
    async fn step_wall(&self, secs: i64) {
        let before = self.steps().await;
        let wall = self.clock().wall().as_millis();
        self.clock().step_wall(Timestamp::from_millis(wall.strict_add_signed(secs * 1_000)));
        while self.steps().await <= before {}
    }

    async fn steps(&self) -> f64 {
        Scrape::of(self).await.value("clock_steps_total")
    }

    fn session_start(&self, username: &str, claims: Value) -> Value {
        let mut claims = claims;
        (claims["scope"], claims["sub"]) = (json!("session"), json!(username));
        let mut start = start_of(username, &format!("instance-of-{username}"));
        start["credentials"] = json!({ "token": self.token(claims) });
        start
    }
}

#[tokio::test]
async fn tokens_are_judged_by_the_stepped_wall_clock() {
    for step in STEPS {
        let gateway = Gateway::dev().await;
        let short = gateway.clock().wall().as_secs() + 30;
        let short_lived = gateway.session_start("eve", json!({ "exp": short }));
        gateway.step_wall(step).await;
        let now = gateway.clock().wall();
        let (_, started) =
            Client::start(&gateway, gateway.session_start("ada", json!({ "nbf": now.as_secs() })))
                .await;
        assert_eq!(started["server"]["time_ms"], now.as_millis(), "{step}");
        let expired = gateway.session_start("bob", json!({ "exp": now.as_secs() - 1 }));
        let refused = Client::refused(&gateway, json!({ "id": 0, "start": expired })).await;
        assert_eq!(refused.code, 4100, "{step}");
        if step > 0 {
            let refused = Client::refused(&gateway, json!({ "id": 0, "start": short_lived })).await;
            assert_eq!(refused.code, 4100, "{step}");
        }
        let ban = gateway.api_does("POST", "users/mia/ban", json!({ "for_ms": 60_000 })).await;
        assert_eq!(ban["until_ms"], now.as_millis() + 60_000, "{step}");
    }
}

#[tokio::test]
async fn only_steps_of_more_than_a_second_are_counted() {
    let gateway = Gateway::dev().await;
    let wall = gateway.clock().wall();
    gateway.clock().step_wall(wall + Duration::from_secs(1));
    gateway.step_wall(MINUTE).await;
    assert_eq!(gateway.steps().await.to_bits(), 1_f64.to_bits());
    gateway.step_wall(-MINUTE).await;
    assert_eq!(gateway.steps().await.to_bits(), 2_f64.to_bits());
}

#[tokio::test]
async fn step_is_logged_with_its_size_and_direction() {
    let (log, gateway) = (Log::collect(), Gateway::dev().await);
    for (count, step) in [(1, MINUTE), (2, -MINUTE)] {
        gateway.step_wall(step).await;
        let lines = log.with_message("wall clock stepped");
        assert_eq!(lines.len(), count, "{lines:?}");
        let size = lines[count - 1]["step_ms"].as_i64().unwrap();
        assert!((size - step * 1_000).abs() < 1_000, "{size} of {step} s");
        assert_eq!(lines[count - 1]["level"], "WARN");
    }
}

#[tokio::test]
async fn step_ends_no_session_whose_token_is_valid() {
    for step in STEPS {
        let gateway = Setup::new().with(long_lived).run().await;
        let mut ada = gateway.enter("ada", "publisher").await;
        gateway.step_wall(step).await;
        ada.does("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })).await;
        let names: Vec<String> = ada.received().await.into_iter().map(|(name, _)| name).collect();
        assert!(!names.iter().any(|name| name == "session_state"), "{step}: {names:?}");
        ada.does("renew", json!({})).await;
    }
}

#[tokio::test]
async fn session_past_its_expiry_is_prompted_and_gets_the_full_grace() {
    let gateway = Setup::new().with(short_lived).run().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut bob, _) = Client::guest(&gateway, "bob", "instance-2").await;
    let (mut mia, _) = Client::guest(&gateway, "mia", "instance-3").await;
    gateway.step_wall(DAY).await;
    for client in [&mut ada, &mut bob, &mut mia] {
        assert_eq!(client.push("session_state").await["state"], "tokenExpired");
        client.push("token_expiring").await;
    }
    gateway.advance(GRACE.saturating_sub(Duration::from_secs(1)));
    ada.begin("renew", json!({})).await;
    assert_eq!(ada.push("session_state").await["state"], "established");
    bob.request("postpone_renewal", json!({})).await.unwrap();
    gateway.advance(Duration::from_secs(2));
    assert_eq!(mia.closed().await.code, 4100);
    for client in [&mut ada, &mut bob] {
        client.request("postpone_renewal", json!({})).await.unwrap();
    }
}

#[tokio::test]
async fn session_that_expired_by_a_wrong_clock_goes_on() {
    let gateway = Setup::new().with(short_lived).run().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.step_wall(DAY).await;
    assert_eq!(ada.push("session_state").await["state"], "tokenExpired");
    gateway.step_wall(-DAY).await;
    assert_eq!(ada.push("session_state").await["state"], "established");
}

#[tokio::test]
async fn acknowledgement_deadline_is_not_moved_by_a_step() {
    for step in STEPS {
        let gateway = Setup::new().with(long_lived).run().await;
        let (mut host, _ada, stream) = gateway.host_and_speaker().await;
        host.does("force_mute", json!({ "stream": stream })).await;
        gateway.step_wall(step).await;
        gateway.advance(ACKNOWLEDGE_TIMEOUT.saturating_sub(Duration::from_millis(1)));
        assert!(host.received_of("stream_unpublished").await.is_empty(), "{step}");
        gateway.advance(Duration::from_millis(1));
        assert_eq!(host.push("stream_unpublished").await["stream"], stream, "{step}");
    }
}

#[tokio::test]
async fn resume_window_is_not_moved_by_a_step() {
    for step in STEPS {
        let gateway = Setup::new().with(long_lived).run().await;
        let (ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
        let (bob, bobs) = Client::guest(&gateway, "bob", "instance-2").await;
        ada.cut().await;
        bob.cut().await;
        gateway.suspended("ada").await;
        gateway.suspended("bob").await;
        gateway.step_wall(step).await;
        gateway.advance(WINDOW.saturating_sub(Duration::from_millis(1)));
        Client::resume(&gateway, &started, 2).await;
        gateway.advance(Duration::from_millis(1));
        let late = Client::resume_refused(&gateway, &bobs, 2).await;
        assert_eq!(late.code, 4400, "{step}");
    }
}

#[tokio::test]
async fn rates_are_not_moved_by_a_step() {
    for step in STEPS {
        let gateway = Setup::new().with(long_lived).run().await;
        let mut ada = gateway.enter("ada", "publisher").await;
        ada.does("roster", json!({ "room": "lobby" })).await;
        gateway.step_wall(step).await;
        assert_eq!(ada.fails("roster", json!({ "room": "lobby" })).await, "rate_limited", "{step}");
        gateway.advance(Duration::from_secs(10));
        ada.does("roster", json!({ "room": "lobby" })).await;
    }
}

#[tokio::test]
async fn step_is_carried_over_a_restart() {
    for step in STEPS {
        let house = House::new();
        let gateway = house.setup().with(long_lived).run().await;
        let (mut host, ada, stream) = gateway.host_and_speaker().await;
        gateway.step_wall(step).await;
        let ada = ada.cut().await;
        host.push("participant_link").await;
        let host = host.cut().await;
        gateway.suspended("host").await;
        gateway.advance(Duration::from_secs(10));
        // The clock of the next process begins at the wall clock's time.
        let clock = Clock::manual(gateway.clock().wall());
        gateway.stop().await;
        clock.advance(Duration::from_secs(10));
        let gateway = house.setup().with(long_lived).clock(clock).run().await;
        let mut host = Person::resume(&gateway, host).await;
        let mut ada = Person::resume(&gateway, ada).await;
        host.does("force_mute", json!({ "stream": stream })).await;
        ada.push("mute_forced").await;
        gateway.advance(ACKNOWLEDGE_TIMEOUT.saturating_sub(Duration::from_millis(1)));
        assert!(host.received_of("stream_unpublished").await.is_empty(), "{step}");
        gateway.advance(Duration::from_millis(1));
        host.push("stream_unpublished").await;
    }
}

#[tokio::test]
async fn generations_grow_although_the_wall_clock_steps_back() {
    let gateway = Setup::new().with(long_lived).run().await;
    let (mut first, _) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.step_wall(-DAY).await;
    let (mut second, started) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(first.closed().await.code, 4013);
    second.request("postpone_renewal", json!({})).await.unwrap();
    gateway.step_wall(-DAY).await;
    let (mut third, _) = Client::resume(&gateway, &started, second.last_seq).await;
    third.request("postpone_renewal", json!({})).await.unwrap();
}
