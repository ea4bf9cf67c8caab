//! One id follows a request: from its caller, through the log, to the resulting webhook messages.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stagedoor::config::{self, EventFilter, WebhookEndpoint};

use super::receiver::{Answer, Receiver, SECRETS};
use super::{endpoint_at, setup};
use crate::common::{Client, Gateway, Person, Program, SERVER_KEY, start_of};

/// A gateway whose endpoint subscribes to `events`.
async fn with_endpoint_for(receiver: &Receiver, events: &[&str]) -> Gateway {
    let events = EventFilter::of(events).unwrap();
    setup(vec![WebhookEndpoint { events, ..endpoint_at("crm", receiver.url()) }]).run().await
}

/// What the next `count` events say of their request, by their type.
async fn requests(receiver: &mut Receiver, count: usize) -> BTreeMap<String, Option<Value>> {
    let mut delivered = BTreeMap::new();
    for _ in 0..count {
        let event = receiver.next().await.event();
        let kind = event["type"].as_str().unwrap().to_owned();
        let request = event.get("request").cloned();
        assert_eq!(delivered.insert(kind, request), None, "another of {event}");
    }
    delivered
}

fn all_by<const N: usize>(request: &str, kinds: [&str; N]) -> BTreeMap<String, Option<Value>> {
    kinds.map(|kind| (kind.to_owned(), Some(json!(request)))).into()
}

/// The id of a session's request.
fn of(started: &Value, number: u32) -> String {
    format!("{}:{number}", started["session"]["id"].as_str().unwrap())
}

/// A guest on an instance of their own, which a ban of another leaves alone.
async fn come(gateway: &Gateway, username: &str) -> (Client, Value) {
    Client::guest(gateway, username, &format!("instance-of-{username}")).await
}

/// Does what must succeed; the request's id.
async fn does(person: &mut Person, command: &str, body: Value) -> String {
    let number = person.begin(command, body).await;
    person.reply(number).await.unwrap();
    of(&person.started, number)
}

#[tokio::test]
async fn call_request_id_is_in_every_resulting_event() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let events = ["moderation.*", "participant.left", "stream.unpublished", "room.ended"];
    let gateway = with_endpoint_for(&receiver, &events).await;
    let (_host, _ada, _) = gateway.host_and_speaker().await;
    let kick = json!({ "username": "ada", "reason": "spam" });
    gateway.calls("abc", "POST", "rooms/lobby/force_disconnect", kick).await;
    let expected =
        all_by("abc", ["moderation.force_disconnect", "participant.left", "stream.unpublished"]);
    assert_eq!(requests(&mut receiver, 3).await, expected);
    gateway.calls("def", "POST", "rooms/lobby/end", json!({})).await;
    let expected = all_by("def", ["moderation.end_room", "participant.left", "room.ended"]);
    assert_eq!(requests(&mut receiver, 3).await, expected);
}

#[tokio::test]
async fn both_moderation_events_carry_the_request_id() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = with_endpoint_for(&receiver, &["moderation.*"]).await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    let request = does(&mut host, "force_mute", json!({ "stream": stream })).await;
    assert_eq!(receiver.next().await.event()["request"], request);
    does(&mut ada, "update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let last = receiver.next().await.event();
    assert_eq!(
        (&last["data"]["counts"]["enforced"], &last["request"]),
        (&json!(1), &json!(request))
    );
}

#[tokio::test]
async fn room_events_carry_the_sessions_request_id() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = with_endpoint_for(&receiver, &["room.*", "participant.*", "stream.*"]).await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    let number = ada.begin("join", join).await;
    ada.reply(number).await.unwrap();
    let expected = all_by(&of(&started, number), ["participant.joined", "room.opened"]);
    assert_eq!(requests(&mut receiver, 2).await, expected);
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let number = ada.begin("publish", json!({ "room": "lobby", "stream": stream })).await;
    ada.reply(number).await.unwrap();
    let expected = all_by(&of(&started, number), ["stream.published"]);
    assert_eq!(requests(&mut receiver, 1).await, expected);
    let number = ada.begin("end", json!({})).await;
    ada.reply(number).await.unwrap();
    let kinds = ["participant.left", "room.ended", "stream.unpublished"];
    assert_eq!(requests(&mut receiver, 3).await, all_by(&of(&started, number), kinds));
}

#[tokio::test]
async fn start_has_one_request_id_for_hook_and_endpoint() {
    let mut app = Receiver::run(Answer::Says("{}")).await;
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let webhook = config::AuthWebhook {
        url: app.url(),
        secret: format!("whsec_{}", STANDARD.encode(SECRETS[0])).into(),
        deadline: Duration::from_secs(5),
        max_concurrent: 4,
        allow_private: true,
    };
    let asking = setup(vec![endpoint_at("crm", receiver.url())]);
    let gateway = asking.with(|config| config.apps[0].auth_webhook = Some(webhook)).run().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": { "password": "x" } });
    let (_ada, started) = Client::start(&gateway, start).await;
    let request = of(&started, 0);
    assert_eq!(app.next().await.header("x-request-id"), request);
    assert_eq!(receiver.event("session.started").await["request"], request);
}

#[tokio::test]
async fn the_end_of_a_session_names_the_request_that_ended_it() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = with_endpoint_for(&receiver, &["session.ended", "user.banned"]).await;
    let calls = [
        ("POST", "users/ada/ban", &["session.ended", "user.banned"][..]),
        ("POST", "users/bob/revoke", &["session.ended"]),
        ("DELETE", "users/mia", &["session.ended"]),
    ];
    for (number, (method, path, kinds)) in calls.into_iter().enumerate() {
        let username = path.split('/').nth(1).unwrap();
        let (_client, _) = come(&gateway, username).await;
        let id = format!("call-{number}");
        gateway.calls(&id, method, path, json!({})).await;
        let expected = kinds.iter().map(|kind| ((*kind).to_owned(), Some(json!(id)))).collect();
        assert_eq!(requests(&mut receiver, kinds.len()).await, expected, "{path}");
    }
    let ended = ["session.ended"];
    let (_kim, started) = come(&gateway, "kim").await;
    let path = format!("sessions/{}", started["session"]["id"].as_str().unwrap());
    gateway.calls("call-end", "DELETE", &path, json!({})).await;
    assert_eq!(requests(&mut receiver, 1).await, all_by("call-end", ended));
    let (_former, _) = come(&gateway, "tom").await;
    let (_newer, started) = come(&gateway, "tom").await;
    let displaced = requests(&mut receiver, 1).await;
    assert_eq!(displaced, all_by(&of(&started, 0), ended), "by the start that took its place");
    let mut host = gateway
        .member("host", json!({ "rooms": { "lobby": "moderator" }, "app_moderator": true }))
        .await;
    let (_eve, _) = come(&gateway, "eve").await;
    let kick = json!({ "room": "lobby", "username": "eve", "block": { "scope": "app" } });
    let request = does(&mut host, "force_disconnect", kick).await;
    assert_eq!(requests(&mut receiver, 1).await, all_by(&request, ended));
}

#[tokio::test]
async fn timer_events_carry_no_request_id() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let events = ["session.ended", "participant.left", "room.ended"];
    let gateway = with_endpoint_for(&receiver, &events).await;
    let ada = gateway.enter("ada", "publisher").await;
    ada.cut().await;
    gateway.suspended("ada").await;
    gateway.advance(Duration::from_hours(1));
    let expected = events.map(|kind| (kind.to_owned(), None)).into();
    assert_eq!(requests(&mut receiver, 3).await, expected);
}

#[tokio::test]
async fn request_id_links_log_lines_and_webhook_message() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let (url, secret) = (receiver.url(), STANDARD.encode(SECRETS[0]));
    let config = format!(
        r#"
[listen]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store.sqlite]
path = "facts.db"
[[apps]]
id = "shop"
guests = true
server_keys = ["{SERVER_KEY}"]
[[apps.webhook_endpoints]]
id = "crm"
url = "{url}"
allow_private = true
secrets = ["whsec_{secret}"]
"#
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    std::fs::write(&path, config).unwrap();
    let arguments = ["serve", "--config", path.to_str().unwrap(), "--log", "stagedoor=debug"];
    let mut program = Program::run(&arguments);
    let mut log = BufReader::new(program.stderr.take().unwrap());
    let serving = lines_until(&mut log, &["listening"]);
    let admin = serving.last().unwrap()["admin"].as_str().unwrap();
    let call = reqwest::Client::new()
        .post(format!("http://{admin}/api/v1/apps/shop/users/eve/ban"))
        .header("x-request-id", "abc");
    assert_eq!(call.bearer_auth(SERVER_KEY).send().await.unwrap().status(), 200);
    let delivered = receiver.event("user.banned").await;
    assert_eq!(delivered["request"], "abc");
    // Elsewhere, so that the receiver goes on meanwhile.
    let all = ["request completed", "webhook queued", "webhook delivered"];
    let reading = tokio::task::spawn_blocking(move || lines_until(&mut log, &all));
    let lines = reading.await.unwrap();
    let line = |said| lines.iter().find(|line| line["message"] == said).unwrap();
    let spans = line("request completed")["spans"].as_array().unwrap();
    assert!(spans.iter().any(|span| span["request"] == "abc"), "{spans:?}");
    let delivering = line("webhook queued");
    assert_eq!((&delivering["request"], &delivering["event"]), (&json!("abc"), &delivered["id"]));
    let logged = line("webhook delivered");
    assert_eq!((&logged["event"], &logged["attempt"]), (&delivered["id"], &json!(1)));
}

/// The lines of a log until all of this was said.
fn lines_until(log: &mut impl BufRead, said: &[&str]) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    while !said.iter().all(|said| lines.iter().any(|line| line["message"] == *said)) {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended: {lines:?}");
        lines.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")));
    }
    lines
}
