//! `/metrics`: each event is counted once, and the number of series does not depend on the number of sessions.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::telemetry::TextFormat;

use crate::common::{Client, Gateway, Person, Setup, start_of};

/// The result of a scrape.
pub struct Scrape(String);

impl Scrape {
    pub async fn of(gateway: &Gateway) -> Self {
        let url = format!("http://{}/metrics", gateway.address());
        let response = reqwest::get(url).await.unwrap();
        assert_eq!(response.headers()["content-type"], TextFormat::OpenMetrics.content_type());
        Self(response.text().await.unwrap())
    }

    /// The value of a sample, which is named with its labels and without the gateway's prefix.
    pub fn value(&self, sample: &str) -> f64 {
        let prefix = format!("stagedoor_{sample} ");
        let line = self.0.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("{sample} is missing from\n{}", self.0)).parse().unwrap()
    }
}

/// Checks samples, each named as in [`Scrape::value`].
#[track_caller]
pub fn assert_exposed(scrape: &Scrape, expected: &[(&str, f64)]) {
    for (sample, value) in expected {
        let received = scrape.value(sample);
        assert!((received - value).abs() < f64::EPSILON, "{sample} is {received}, not {value}");
    }
}

#[tokio::test]
async fn classic_text_format_is_served_to_those_who_ask() {
    let gateway = Gateway::dev().await;
    let url = format!("http://{}/metrics", gateway.address());
    for (accept, format, counter) in [
        ("*/*", TextFormat::OpenMetrics, "# TYPE stagedoor_starts counter\n"),
        ("text/plain", TextFormat::Classic, "# TYPE stagedoor_starts_total counter\n"),
    ] {
        let request = reqwest::Client::new().get(&url).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], format.content_type());
        assert_eq!(response.headers()["vary"], "Accept");
        let text = response.text().await.unwrap();
        assert!(text.contains(counter), "{text}");
        assert_eq!(text.ends_with("# EOF\n"), format == TextFormat::OpenMetrics, "{text}");
    }
}

const LIVE: &str = r#"sessions{state="established",link="live"}"#;
const SUSPENDED: &str = r#"sessions{state="established",link="suspended"}"#;
const EXPIRED: &str = r#"sessions{state="tokenExpired",link="live"}"#;

#[tokio::test]
async fn sessions_are_counted_by_state_through_all_their_changes() {
    let gateway = Setup::new()
        .with(|config| {
            config.apps[0].access_ttl = Duration::from_mins(1);
            config.keepalive.interval = Duration::from_hours(1);
        })
        .run()
        .await;
    let (ada, started) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let (mut bob, _) = Client::guest(&gateway, "bob", "instance-of-bob").await;
    assert_exposed(&Scrape::of(&gateway).await, &[(LIVE, 2.0), (SUSPENDED, 0.0)]);

    let last_seq = ada.last_seq;
    ada.cut().await;
    while Scrape::of(&gateway).await.value(SUSPENDED) < 1.0 {}
    assert_exposed(&Scrape::of(&gateway).await, &[(LIVE, 1.0)]);
    let (_ada, _) = Client::resume(&gateway, &started, last_seq).await;
    assert_exposed(&Scrape::of(&gateway).await, &[(LIVE, 2.0), (SUSPENDED, 0.0)]);

    gateway.advance(Duration::from_secs(61));
    while Scrape::of(&gateway).await.value(EXPIRED) < 2.0 {}
    bob.request("renew", json!({})).await.unwrap();
    assert_exposed(&Scrape::of(&gateway).await, &[(LIVE, 1.0), (EXPIRED, 1.0)]);
    bob.request("end", json!({})).await.unwrap();
    bob.closed().await;
    let ended = r#"sessions_ended_total{code="1000",reason="normal"}"#;
    assert_exposed(&Scrape::of(&gateway).await, &[(LIVE, 0.0), (EXPIRED, 1.0), (ended, 1.0)]);
}

#[tokio::test]
async fn starts_resumes_and_closes_are_counted_by_how_they_went() {
    let gateway = Gateway::dev().await;
    let (ada, started) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let mut denied = start_of("bob", "instance-of-bob");
    denied["credentials"] = json!({ "token": "no token" });
    Client::refused(&gateway, json!({ "id": 0, "start": denied })).await;
    let last_seq = ada.last_seq;
    let (mut ada, _) = Client::resume(&gateway, &started, last_seq).await;
    let mut stolen = started.clone();
    stolen["resume"]["secret"] = json!("another");
    Client::resume_refused(&gateway, &stolen, 0).await;
    gateway.api("POST", "users/ada/ban", Some(json!({}))).await;
    ada.closed().await;
    assert_exposed(
        &Scrape::of(&gateway).await,
        &[
            (r#"starts_total{outcome="ok"}"#, 1.0),
            (r#"starts_total{outcome="auth_denied"}"#, 1.0),
            (r#"resumes_total{outcome="ok"}"#, 1.0),
            (r#"resumes_total{outcome="resume_denied"}"#, 1.0),
            (r#"connections_closed_total{code="4011",reason="banned"}"#, 1.0),
            (r#"connections_closed_total{code="4003",reason="auth_denied"}"#, 1.0),
            (r#"connections_closed_total{code="4401",reason="resume_denied"}"#, 1.0),
            (r#"sessions_ended_total{code="4011",reason="banned"}"#, 1.0),
            ("start_duration_seconds_count", 2.0),
            (r#"auth_hook_duration_seconds_count{hook="guest",outcome="allowed"}"#, 1.0),
            (r#"auth_hook_duration_seconds_count{hook="jwt",outcome="denied"}"#, 1.0),
            ("store_up", 1.0),
            ("draining", 0.0),
        ],
    );
    assert!(Scrape::of(&gateway).await.value("store_call_duration_seconds_count") > 3.0);
}

#[tokio::test]
async fn moderation_is_counted_when_its_last_target_is_done_with() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    host.does("force_mute", json!({ "stream": stream })).await;
    assert_exposed(&Scrape::of(&gateway).await, &[("moderation_duration_seconds_count", 0.0)]);
    ada.push("mute_forced").await;
    gateway.advance(Duration::from_secs(2));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    ada.fails("lock_room", json!({ "room": "lobby" })).await;
    assert_exposed(
        &Scrape::of(&gateway).await,
        &[
            ("moderation_duration_seconds_count", 1.0),
            ("moderation_duration_seconds_sum", 2.0),
            (r#"moderation_targets_total{outcome="enforced"}"#, 1.0),
            (r#"moderation_targets_total{outcome="declined"}"#, 0.0),
            (r#"moderation_targets_total{outcome="ignored"}"#, 0.0),
            ("moderation_denied_total", 1.0),
            ("rooms", 1.0),
        ],
    );
    ada.does("update_stream", json!({ "stream": stream, "has_audio": true })).await;
    host.does("force_mute", json!({ "stream": stream })).await;
    ada.does("update_stream", json!({ "stream": stream, "has_audio": true })).await;
    host.does("force_mute", json!({ "stream": stream, "lock": true })).await;
    gateway.advance(Duration::from_secs(5));
    ada.push("stream_unpublished").await;
    assert_exposed(
        &Scrape::of(&gateway).await,
        &[
            ("moderation_duration_seconds_count", 4.0),
            (r#"moderation_targets_total{outcome="enforced"}"#, 2.0),
            (r#"moderation_targets_total{outcome="declined"}"#, 1.0),
            (r#"moderation_targets_total{outcome="ignored"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn traffic_is_counted_in_frames_and_bytes() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let before = Scrape::of(&gateway).await;
    for _ in 0..10 {
        client.request("leave", json!({ "room": "nowhere" })).await.unwrap_err();
    }
    let after = Scrape::of(&gateway).await;
    let grown = |sample: &str| after.value(sample) - before.value(sample);
    for sample in ["received_frames_total", "sent_frames_total"] {
        assert!((grown(sample) - 10.0).abs() < f64::EPSILON, "{sample} grew by {}", grown(sample));
    }
    assert!(grown("received_bytes_total") > 10.0 * 40.0);
    assert!(grown("sent_bytes_total") > 10.0 * 40.0);
}

#[tokio::test]
async fn metric_count_is_independent_of_sessions() {
    let gateway = Gateway::dev().await;
    let first = gateway.enter("user-0", "publisher").await;
    let lines = |scrape: &Scrape| -> Vec<String> {
        let names = scrape.0.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned());
        names.collect()
    };
    let before = lines(&Scrape::of(&gateway).await);
    let mut others = vec![first];
    for number in 1..30 {
        let username = format!("user-{number}");
        let (client, started) =
            Client::guest(&gateway, &username, &format!("instance-of-{number}")).await;
        others.push(joined_elsewhere(client, started, &format!("room-{number}")).await);
    }
    assert_eq!(lines(&Scrape::of(&gateway).await), before);
}

async fn joined_elsewhere(client: Client, started: Value, room: &str) -> Person {
    Person::join(client, started, json!({ "room": room })).await
}
