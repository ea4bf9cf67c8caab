//! Promise 9: beyond a limit there is a typed error that is counted, and other clients are served.

mod budgets;
mod counted;
mod hits;
mod incomplete_messages;
mod replay_memory;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, pending};
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthRequest, Decision, Purpose};
use stagedoor::config::{GuestNames, Limits};
use stagedoor::server::Stopped;
use stagedoor_proto::MAX_JSON_DEPTH;

use crate::common::raw::{FIRST, Head, MORE, PING, Raw, TEXT, masked, upgrade};
use crate::common::{Client, Closed, Gateway, House, Person, Setup, start_of, trust_proxies};

async fn limited(change: impl FnOnce(&mut Limits)) -> Gateway {
    Setup::new().with(|config| change(&mut config.limits)).run().await
}

/// Asks for an upgrade; the connection comes with the answer.
async fn knock(gateway: &Gateway) -> (Raw, Head) {
    let mut raw = Raw::connect(gateway).await;
    raw.send(upgrade("")).await;
    let head = raw.head().await;
    (raw, head)
}

/// Asks for upgrades until one is granted.
async fn knock_until_open(gateway: &Gateway) -> Raw {
    loop {
        let (raw, head) = knock(gateway).await;
        if head.status() == 101 {
            return raw;
        }
    }
}

#[tokio::test]
async fn pending_connections_are_bounded_per_address() {
    let gateway = limited(|limits| {
        limits.pending_connections_per_address = 2;
        limits.exempt_loopback = false;
    })
    .await;
    let (mut first, second) = (Client::connect(&gateway).await, Client::connect(&gateway).await);
    let (_refused, head) = knock(&gateway).await;
    assert_eq!((head.status(), head.header("retry-after")), (429, Some("1")));

    first.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    first.push("session_state").await;
    first.reply(0).await.unwrap();
    let _third = Client::connect(&gateway).await; // A session needs no place in the waiting room.
    assert_eq!(knock(&gateway).await.1.status(), 429);

    second.cut().await;
    knock_until_open(&gateway).await;
}

#[tokio::test]
async fn pending_connections_are_bounded_in_total() {
    let gateway = limited(|limits| limits.pending_connections = 1).await;
    let first = Client::connect(&gateway).await;
    let (_refused, head) = knock(&gateway).await;
    assert_eq!((head.status(), head.header("retry-after")), (503, Some("1")));
    assert_eq!(head.header("content-type"), Some("application/problem+json"));
    first.cut().await;
    knock_until_open(&gateway).await;
}

#[tokio::test]
async fn starts_are_bounded_per_address_and_resumes_are_none() {
    let gateway = limited(|limits| {
        limits.starts_per_s_per_address = 2;
        limits.exempt_loopback = false;
    })
    .await;
    let (first, started) = Client::guest(&gateway, "ada", "instance-1").await;
    Client::guest(&gateway, "bob", "instance-2").await;
    let start = json!({ "id": 5, "start": start_of("eve", "instance-3") });
    let closed = Client::refused(&gateway, start.clone()).await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4202, &json!("retry")));
    assert_eq!(closed.disconnect["retry_after_ms"], 500);
    assert_eq!(closed.before[0]["error"]["code"], "rate_limited");
    assert_eq!(closed.before[0]["error"]["retry_after_ms"], 500);

    let last_seq = first.last_seq;
    first.cut().await;
    for _ in 0..4 {
        Client::resume(&gateway, &started, last_seq).await;
    }
    gateway.advance(Duration::from_millis(500));
    Client::guest(&gateway, "eve", "instance-3").await;
}

#[tokio::test]
async fn full_node_rejects_starts_and_keeps_sessions() {
    let gateway = limited(|limits| limits.sessions_per_node = 1).await;
    let (mut holder, _) = Client::guest(&gateway, "ada", "instance-1").await;
    for (case, start) in [
        ("another user", start_of("bob", "instance-2")),
        ("the holder's own instance, without its token", start_of("ada", "instance-1")),
    ] {
        let closed = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (4201, &json!("retry")), "{case}");
        assert!(closed.disconnect["retry_after_ms"].is_u64(), "{case}");
        let error = closed.before.iter().find_map(|message| message.get("error"));
        assert_eq!(error.unwrap()["code"], "overloaded", "{case}");
    }
    assert!(holder.request("renew", json!({})).await.is_ok());
}

/// Asks for a session from behind a trusted proxy.
async fn start_from(gateway: &Gateway, address: &str, username: &str) -> Result<Client, Closed> {
    let mut client = Client::connect_from(gateway, address).await;
    let start = start_of(username, &format!("instance-of-{username}"));
    client.send(json!({ "id": 0, "start": start })).await;
    if client.reply(0).await.is_ok() { Ok(client) } else { Err(client.closed().await) }
}

#[tokio::test]
async fn sessions_are_bounded_per_address() {
    let setup = Setup::new().behind_proxies().with(|config| {
        config.limits.sessions_per_address = 2;
    });
    let gateway = setup.run().await;
    let suspended = start_from(&gateway, "2001:db8::1", "ada").await.unwrap();
    suspended.cut().await;
    gateway.suspended("ada").await;
    let mut second = start_from(&gateway, "2001:db8::2", "bob").await.unwrap();
    let closed = start_from(&gateway, "2001:db8::3", "eve").await.err().unwrap();
    assert_eq!((closed.code, &closed.disconnect["action"]), (4201, &json!("retry")));
    assert!(closed.disconnect["retry_after_ms"].is_u64());
    start_from(&gateway, "2001:db8:0:1::1", "zoe").await.expect("another /64");

    second.request("end", json!({})).await.unwrap();
    second.closed().await;
    start_from(&gateway, "2001:db8::3", "eve").await.expect("a session has ended");
}

#[tokio::test]
async fn disconnected_guest_names_are_bounded_per_address() {
    let setup = Setup::new().behind_proxies().with(|config| {
        config.limits.guest_names_per_address = 2;
        config.apps[0].guest_names = GuestNames::Exclusive;
    });
    let gateway = setup.run().await;
    for name in ["ada", "bob"] {
        let client = start_from(&gateway, "2001:db8::1", name).await.unwrap();
        client.cut().await;
        gateway.suspended(name).await;
    }
    let closed = start_from(&gateway, "2001:db8::2", "eve").await.err().unwrap();
    assert_eq!((closed.code, &closed.disconnect["action"]), (4201, &json!("retry")));
    assert!(closed.disconnect["retry_after_ms"].is_u64());
    start_from(&gateway, "2001:db8:0:1::1", "zoe").await.expect("another /64");
    let mut ada = start_from(&gateway, "2001:db8::2", "ada").await.expect("the holder of a name");
    let _eve = start_from(&gateway, "2001:db8::2", "eve").await.expect("one is connected again");
    assert!(ada.request("renew", json!({})).await.is_ok());
}

/// Ends a guest's session from behind a trusted proxy. Its name stays reserved: it was demoted.
async fn reserve(gateway: &Gateway, host: &mut Person, address: &str, username: &str) -> Value {
    let mut client = start_from(gateway, address, username).await.unwrap();
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    let joined = client.request("join", join).await.unwrap()["joined"].clone();
    let participant = joined["participant"]["id"].clone();
    let demote = json!({ "room": "lobby", "participant": participant, "role": "subscriber" });
    host.does("set_role", demote).await;
    host.durable_receipt().await;
    client.request("end", json!({ "revoke": false })).await.unwrap();
    client.closed().await;
    joined
}

#[tokio::test]
async fn reserved_guest_names_count_for_their_address() {
    let house = House::new();
    let bound = |config: &mut stagedoor::config::Config| {
        trust_proxies(config);
        config.limits.guest_names_per_address = 2;
        config.apps[0].guest_names = GuestNames::Exclusive;
    };
    let gateway = house.setup().with(bound).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    for name in ["ada", "bob"] {
        reserve(&gateway, &mut host, "2001:db8::1", name).await;
    }
    let closed = start_from(&gateway, "2001:db8::2", "eve").await.err().unwrap();
    assert_eq!((closed.code, &closed.disconnect["action"]), (4201, &json!("retry")));
    assert!(closed.disconnect["retry_after_ms"].is_u64());
    start_from(&gateway, "2001:db8:0:1::1", "zoe").await.expect("another /64");
    drop(host);
    let gateway = house.reopen_with(gateway, &bound).await;
    let closed = start_from(&gateway, "2001:db8::2", "eve").await.err().unwrap();
    assert_eq!(closed.code, 4201, "also in the next process");
    let ada = start_from(&gateway, "2001:db8::2", "ada").await.expect("the holder of a name");
    let eve = start_from(&gateway, "2001:db8::2", "eve").await.expect("one is connected again");
    eve.cut().await;
    gateway.suspended("eve").await;
    let closed = start_from(&gateway, "2001:db8::2", "max").await.err().unwrap();
    assert_eq!(closed.code, 4201, "reserved and suspended names count together");
    drop(ada);
}

#[tokio::test]
async fn instances_of_a_registered_user_are_bounded() {
    const BOUND: usize = 5;
    let house = House::new();
    let setup = house.setup().with(|config| {
        config.apps[0].sessions_per_user = 2;
        config.apps[0].instances_per_user = BOUND;
    });
    let gateway = setup.run().await;
    let (mut first, started) = gateway.registered("ada", "instance-0", json!({})).await;
    let mut newest = None;
    for n in 1..40 {
        let (client, _) = gateway.registered("ada", &format!("instance-{n}"), json!({})).await;
        newest = Some(client);
        // The rate of starts per address is not what is tested.
        gateway.advance(Duration::from_millis(500));
    }
    assert_eq!(first.closed().await.code, 4013);
    let mut start = start_of("ada", "instance-0");
    start["credentials"] = json!({ "token": started["access_token"] });
    let refused = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
    assert_eq!(refused.code, 4101, "a forgotten instance needs other credentials");
    let renewed = newest.unwrap().request("postpone_renewal", json!({})).await;
    assert!(renewed.is_ok(), "{renewed:?}");
    assert_eq!(gateway.stop().await, Stopped::Cleanly);
    let count = "SELECT count(*) FROM instances WHERE username = 'ada'";
    let rows: i64 = house.database().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(rows), Ok(BOUND));
}

#[tokio::test]
async fn a_session_that_ended_leaves_its_place_to_another() {
    let gateway = limited(|limits| limits.sessions_per_node = 1).await;
    let mut ended = Vec::new();
    for _ in 0..3 {
        let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
        assert_eq!(gateway.hub().sessions.count(), 1);
        client.request("end", json!({})).await.unwrap();
        assert_eq!(client.closed().await.code, 1000);
        assert_eq!(gateway.hub().sessions.count(), 0);
        ended.push((started, client.last_seq));
    }
    let remembered = [4401, 4401, 1000];
    for ((started, last_seq), code) in ended.iter().zip(remembered) {
        let closed = Client::resume_refused(&gateway, started, *last_seq).await;
        assert_eq!(closed.code, code, "as many are remembered as may live");
    }
    let (suspended, _) = Client::guest(&gateway, "ada", "instance-1").await;
    suspended.cut().await;
    let start = json!({ "id": 0, "start": start_of("bob", "instance-2") });
    assert_eq!(Client::refused(&gateway, start).await.code, 4201, "suspended is not ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_counted_exactly_while_sessions_come_and_go() {
    const RACERS: usize = 24;
    let gateway = Arc::new(limited(|limits| limits.sessions_per_node = RACERS).await);
    let racers = (0..RACERS).map(|n| {
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let (mut client, started) =
                Client::guest(&gateway, &format!("user-{n}"), "instance-1").await;
            let id = started["session"]["id"].as_str().unwrap().parse().unwrap();
            match n % 3 {
                0 => return Some(client),
                1 => drop(client.request("end", json!({})).await),
                // Its client and an operator end it at the same time.
                _ => {
                    client.begin("end", json!({})).await;
                    gateway.hub().sessions.terminate("demo", id, None, None);
                }
            }
            client.closed().await;
            None
        })
    });
    let racers: Vec<_> = racers.collect();
    let stayed = futures::future::join_all(racers).await;
    assert_eq!(gateway.hub().sessions.count(), RACERS / 3);
    assert_eq!(gateway.hub().sessions.list("demo").len(), RACERS / 3);
    drop(stayed);
}

/// Never decides over a renewal.
struct Undecided;

impl AuthHook for Undecided {
    fn name(&self) -> &'static str {
        "undecided"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        request.purpose == Purpose::Renew
    }

    fn decide<'a>(&'a self, _: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        Box::pin(pending())
    }
}

#[tokio::test]
async fn requests_that_wait_for_their_reply_are_bounded() {
    let gateway = Setup::new()
        .with(|config| config.limits.requests_in_flight = 3)
        .hook(Arc::new(Undecided))
        .run()
        .await;
    let mut bystander = Client::guest(&gateway, "bob", "instance-2").await.0;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(started["limits"]["in_flight"], 3);
    for _ in 0..3 {
        client.begin("renew", json!({ "auth_token": "slow" })).await;
    }
    assert!(bystander.request("renew", json!({})).await.is_ok());
    client.begin("postpone_renewal", json!({})).await;
    let closed = client.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4503, &json!("stop")));
    assert_eq!(Client::resume_refused(&gateway, &started, 2).await.code, 4503);

    let mut twice = Client::guest(&gateway, "ada", "instance-1").await.0;
    for _ in 0..2 {
        twice.send(json!({ "id": 7, "renew": { "auth_token": "slow" } })).await;
    }
    assert_eq!(twice.closed().await.code, 4503, "a number that waits already");
}

#[tokio::test]
async fn command_rate_errors_first_then_closes() {
    let gateway = limited(|limits| (limits.commands_per_s, limits.commands_burst) = (4, 3)).await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    for _ in 0..3 {
        client.request("postpone_renewal", json!({})).await.unwrap();
    }
    for command in ["postpone_renewal", "no_such_command", "postpone_renewal"] {
        let error = client.request(command, json!({})).await.unwrap_err();
        assert_eq!(
            (&error["code"], &error["retry_after_ms"]),
            (&json!("rate_limited"), &json!(250))
        );
    }
    gateway.advance(Duration::from_millis(250));
    client.request("postpone_renewal", json!({})).await.unwrap();

    for _ in 0..4 {
        client.begin("postpone_renewal", json!({})).await;
    }
    let closed = client.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4202, &json!("retry")));
    assert_eq!(closed.disconnect["retry_after_ms"], 250);
    assert_eq!(closed.before.len(), 3, "each refusal before was sent");
    let (mut client, _) = Client::resume(&gateway, &started, client.last_seq).await;
    gateway.advance(Duration::from_secs(1));
    assert!(client.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn fragments_of_a_message_are_bounded() {
    let gateway = limited(|limits| limits.fragments_per_message = 4).await;
    let mut bystander = Client::guest(&gateway, "bob", "instance-2").await.0;
    let text = br#"{"id":1,"renew":{}}"#;
    let quarters = [
        masked(FIRST, &text[..3]),
        masked(MORE, &text[3..6]),
        masked(PING, b""),
        masked(MORE, &text[6..9]),
        masked(MORE | 0x80, &text[9..]),
    ];
    let endless = [masked(FIRST, b"{"), vec![masked(MORE, b""); 4].concat()].concat();

    let mut client = Client::guest(&gateway, "ada", "instance-1").await.0;
    client.send_raw(&quarters.concat()).await;
    assert!(client.reply(1).await.is_ok());
    client.send_raw(&endless).await;
    let closed = client.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4501, &json!("stop")));

    let mut client = Client::connect(&gateway).await;
    client.send_raw(&endless).await;
    assert_eq!(client.closed().await.code, 4501, "before a session");
    assert!(bystander.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn messages_are_bounded_in_size() {
    let gateway = Gateway::dev().await;
    let mut bystander = Client::guest(&gateway, "bob", "instance-2").await.0;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let bound = usize::try_from(started["limits"]["message_in_bytes"].as_u64().unwrap()).unwrap();
    let padded = |bytes: usize| {
        let text = json!({ "id": 1, "renew": {} }).to_string();
        format!("{text}{}", " ".repeat(bytes - text.len()))
    };
    client.send_text(&padded(bound)).await;
    assert!(client.reply(1).await.is_ok());
    client.send_text(&padded(bound + 1)).await;
    assert_eq!(client.closed().await.code, 4501);

    let half = "x".repeat(bound / 2 + 1);
    let parts = [masked(FIRST, half.as_bytes()), masked(MORE | 0x80, half.as_bytes())].concat();
    let mut announced = masked(TEXT, b"");
    announced[1] = 0x80 | 127;
    announced.splice(2..2, (u64::MAX >> 1).to_be_bytes());
    for (case, bytes) in [
        ("whole", masked(TEXT, padded(bound + 1).as_bytes())),
        ("in parts", parts),
        ("only announced", announced),
    ] {
        let mut client = Client::connect(&gateway).await;
        client.send_raw(&bytes).await;
        assert_eq!(client.closed().await.code, 4501, "{case}, before a session");
        let mut client = Client::guest(&gateway, "ada", "instance-1").await.0;
        client.send_raw(&bytes).await;
        assert_eq!(client.closed().await.code, 4501, "{case}");
    }
    assert!(bystander.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn auth_params_are_bounded() {
    let gateway = Gateway::dev().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": "x".repeat(8 * 1024) });
    let closed = Client::refused(&gateway, json!({ "id": 1, "start": start })).await;
    assert_eq!(closed.code, 4501);
    let error = &closed.before[0]["error"];
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("too_large"), &json!("start.credentials.params"))
    );
}

#[tokio::test]
async fn nesting_is_bounded() {
    let gateway = Gateway::dev().await;
    // Three levels are the message's own: message, start, credentials.
    let nested = |depth: usize| {
        let params = format!("{}{}", "[".repeat(depth - 3), "]".repeat(depth - 3));
        let mut start = start_of("ada", "instance-1");
        start["credentials"] = json!({ "params": serde_json::from_str::<Value>(&params).unwrap() });
        json!({ "id": 1, "start": start })
    };
    assert_eq!(Client::refused(&gateway, nested(MAX_JSON_DEPTH)).await.code, 4003);
    let mut client = Client::connect(&gateway).await;
    client.send(nested(MAX_JSON_DEPTH + 1)).await;
    assert_eq!(client.reply(1).await.unwrap_err()["code"], "too_large");
}

/// More than what both ends of a connection hold in their buffers when no side reads.
const FLOOD_BYTES: usize = 16 * 1024 * 1024;

#[tokio::test]
async fn pings_of_a_peer_that_does_not_read_cost_bounded_memory() {
    let gateway = limited(|limits| limits.pings_burst = 1_000_000).await;
    let mut bystander = Client::guest(&gateway, "bob", "instance-2").await.0;
    let mut raw = Raw::connect_narrow(&gateway).await;
    raw.send(upgrade("")).await;
    raw.head().await;
    let start = json!({ "id": 0, "start": start_of("ada", "instance-1") }).to_string();
    raw.send(masked(TEXT, start.as_bytes())).await;
    let ping = masked(PING, &[b'x'; 125]);
    let batch = ping.repeat(1_000);
    for _ in 0..FLOOD_BYTES / batch.len() {
        raw.send(&batch).await;
    }
    assert!(bystander.request("renew", json!({})).await.is_ok());

    raw.send(masked(TEXT, br#"{"id":77,"renew":{}}"#)).await;
    let mut answered = 0;
    loop {
        let (first, payload) = raw.frame().await;
        if first == 0x8a {
            answered += 1;
        } else if payload.windows(7).any(|bytes| bytes == br#""id":77"#) {
            break;
        }
    }
    assert!(answered < FLOOD_BYTES / ping.len() / 2, "{answered} answers were kept for it");
}
