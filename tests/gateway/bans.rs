//! Promises 4 and 7: an app-wide removal lasts, and a banned user is never established.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::common::{Client, Closed, Gateway, Setup, start_of};

/// How many start while their user is banned.
const RACERS: usize = 50;

fn token_start(username: &str, instance: &str, token: &Value) -> Value {
    let mut start = start_of(username, instance);
    start["credentials"] = json!({ "token": token });
    start
}

async fn refused(gateway: &Gateway, start: Value) -> Closed {
    let closed = Client::refused(gateway, json!({ "id": 0, "start": start })).await;
    let states = closed.before.iter().filter_map(|message| message.pointer("/session_state/state"));
    assert!(states.into_iter().all(|state| state != "established"), "{closed:?}");
    closed
}

#[tokio::test]
async fn kick_ends_live_and_suspended_sessions_at_once() {
    let gateway = Gateway::dev().await;
    let (mut live, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (suspended, away) = Client::guest(&gateway, "ada", "instance-2").await;
    let (mut bystander, _) = Client::guest(&gateway, "bob", "instance-3").await;
    suspended.cut().await;
    let until = gateway.clock().wall().as_millis() + 60_000;
    let ban = json!({ "for_ms": 60_000, "reason": "spam" });
    let answer = gateway.api("POST", "users/ada/ban", Some(ban)).await;
    assert_eq!(answer.status, 200);
    let block = json!({ "set_by": "operator", "until_ms": until });
    let expected =
        json!({ "username": "ada", "sessions_ended": 2, "until_ms": until, "block": block });
    assert_eq!(answer.body, expected);

    let closed = live.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (4011, "spam"));
    assert_eq!(closed.disconnect["action"], "stop");
    assert_eq!(
        (&closed.disconnect["reason"], &closed.disconnect["until_ms"]),
        (&json!("spam"), &json!(until))
    );
    let state = json!({ "state": "terminated", "version": 3, "code": 4011, "reason": "spam" });
    assert_eq!(closed.before.last().unwrap()["session_state"], state);
    assert_eq!(Client::resume_refused(&gateway, &away, 2).await.code, 4011);
    assert!(bystander.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn kick_holds_against_every_credential() {
    let gateway = Gateway::dev().await;
    let (guest, guest_started) = Client::guest(&gateway, "eve", "instance-1").await;
    guest.cut().await;
    let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
    let (registered, started) =
        Client::start(&gateway, token_start("ada", "instance-2", &token)).await;
    registered.cut().await;
    for user in ["eve", "ada"] {
        gateway.api("POST", &format!("users/{user}/ban"), None).await;
    }
    let fresh = json!(gateway.session_token(json!({ "username": "ada" })).await);
    for (case, start) in [
        ("the guest again", start_of("eve", "instance-1")),
        ("the guest on another instance", start_of("eve", "instance-3")),
        ("a guest of another name on that instance", start_of("mallory", "instance-1")),
        (
            "the guest's access token",
            token_start("eve", "instance-1", &guest_started["access_token"]),
        ),
        ("the user's access token", token_start("ada", "instance-2", &started["access_token"])),
        ("the user's session token", token_start("ada", "instance-2", &token)),
        ("a new session token on another instance", token_start("ada", "instance-4", &fresh)),
    ] {
        let closed = refused(&gateway, start).await;
        assert_eq!(closed.code, 4011, "{case}");
        let error = closed.before.iter().find_map(|message| message.get("error")).unwrap();
        assert_eq!(error["code"], "banned", "{case}");
        let received = |state| {
            closed.before.iter().any(|received| received["session_state"]["state"] == state)
        };
        assert!(received("establishing") && received("terminated"), "{case}: {closed:?}");
    }
    for started in [&guest_started, &started] {
        assert_eq!(Client::resume_refused(&gateway, started, 2).await.code, 4011);
    }
    let (_other, _) = Client::guest(&gateway, "mallory", "instance-5").await;
}

#[tokio::test]
async fn a_kick_of_a_guest_is_of_its_address_where_the_app_asks() {
    for by_address in [true, false] {
        let gateway = Setup::new().with(|config| config.apps[0].ban_guest_addresses = by_address);
        let gateway = gateway.run().await;
        let (_client, _) = Client::guest(&gateway, "eve", "instance-1").await;
        gateway.api("POST", "users/eve/ban", None).await;
        let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
        Client::start(&gateway, token_start("ada", "instance-2", &token)).await;
        let start = start_of("mallory", "instance-3");
        if by_address {
            assert_eq!(refused(&gateway, start).await.code, 4011);
        } else {
            Client::start(&gateway, start).await;
        }
    }
}

#[tokio::test]
async fn guest_kick_ends_the_guests_other_names() {
    for by_address in [true, false] {
        let gateway = Setup::new().with(|config| config.apps[0].ban_guest_addresses = by_address);
        let gateway = gateway.run().await;
        let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
        let (mut alias, alias_started) = Client::guest(&gateway, "mallory", "instance-1").await;
        let (mut neighbour, _) = Client::guest(&gateway, "bob", "instance-2").await;
        let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
        let (mut registered, _) =
            Client::start(&gateway, token_start("ada", "instance-1", &token)).await;
        let answer = gateway.api("POST", "users/eve/ban", None).await;
        assert_eq!(answer.body["sessions_ended"], if by_address { 3 } else { 2 });
        for client in [&mut eve, &mut alias] {
            assert_eq!(client.closed().await.code, 4011);
        }
        assert_eq!(Client::resume_refused(&gateway, &alias_started, 2).await.code, 4011);
        if by_address {
            assert_eq!(neighbour.closed().await.code, 4011);
        } else {
            assert!(neighbour.request("renew", json!({})).await.is_ok());
        }
        assert!(registered.request("postpone_renewal", json!({})).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ban_racing_starts_leaves_no_guest_alias() {
    for _ in 0..10 {
        let gateway = Arc::new(Gateway::dev().await);
        let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
        let starts = (0..20).map(|n| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                let mut client = Client::connect(&gateway).await;
                let start = start_of(&format!("alias-{n}"), "instance-1");
                client.send(json!({ "id": 0, "start": start })).await;
                client.closed().await.code
            })
        });
        let starts: Vec<_> = starts.collect();
        gateway.api("POST", "users/eve/ban", None).await;
        for start in join_all(starts).await {
            assert_eq!(start.unwrap(), 4011);
        }
        assert_eq!(eve.closed().await.code, 4011);
        assert!(gateway.hub().sessions.list("demo").is_empty());
    }
}

#[tokio::test]
async fn a_kick_is_final_for_as_long_as_it_says() {
    let gateway = Gateway::dev().await;
    gateway.api("POST", "users/ada/ban", Some(json!({ "for_ms": 60_000 }))).await;
    gateway.advance(Duration::from_millis(59_999));
    assert_eq!(refused(&gateway, start_of("ada", "instance-1")).await.code, 4011);
    gateway.advance(Duration::from_millis(1));
    Client::guest(&gateway, "ada", "instance-1").await;

    gateway.api("POST", "users/ada/ban", None).await;
    gateway.advance(Duration::from_hours(10 * 365 * 24));
    assert_eq!(refused(&gateway, start_of("ada", "instance-1")).await.code, 4011);
    assert_eq!(gateway.api("DELETE", "users/ada/ban", None).await.status, 200);
    Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(gateway.api("DELETE", "users/ada/ban", None).await.status, 404);
}

#[tokio::test]
async fn a_kick_is_final_after_a_restart_too() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Setup::new().data(directory.path()).run().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (_bob, bobs) = Client::guest(&gateway, "bob", "instance-2").await;
    gateway.api("POST", "users/ada/ban", Some(json!({ "reason": "spam" }))).await;
    assert_eq!(client.closed().await.code, 4011);
    let clock = gateway.clock().clone();
    gateway.stop().await;

    let gateway = Setup::new().data(directory.path()).clock(clock).run().await;
    let access = &started["access_token"];
    for start in [
        start_of("ada", "instance-3"),
        start_of("mallory", "instance-1"),
        token_start("ada", "instance-1", access),
    ] {
        let closed = refused(&gateway, start).await;
        assert_eq!((closed.code, closed.reason.as_str()), (4011, "spam"));
    }
    let bob = token_start("bob", "instance-2", &bobs["access_token"]);
    Client::start(&gateway, bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_user_is_never_established_when_a_ban_races_starts() {
    let gateway = Arc::new(Gateway::dev().await);
    for round in 0..10 {
        let username = format!("racer-{round}");
        let race = (0..RACERS).map(|n| {
            let start = start_of(&username, &format!("instance-{n}"));
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                let mut client = Client::connect(&gateway).await;
                client.send(json!({ "id": 0, "start": start })).await;
                client
            })
        });
        let race: Vec<_> = race.collect();
        let answer = gateway.api("POST", &format!("users/{username}/ban"), None).await;
        assert_eq!(answer.status, 200);
        for client in join_all(race).await {
            let closed = client.unwrap().closed().await;
            // Beyond the user's cap the oldest gave way, before the ban.
            assert!([4011, 4013].contains(&closed.code), "round {round}: {closed:?}");
        }
        let live = gateway.hub().sessions.list("demo");
        assert!(live.is_empty(), "round {round}: {} are established", live.len());
    }
}

#[tokio::test]
async fn a_banned_user_is_not_renewed() {
    let gateway = Gateway::dev().await;
    let (first, _) = Client::guest(&gateway, "ada", "instance-1").await;
    first.cut().await;
    let (mut client, _) = Client::guest(&gateway, "eve", "instance-1").await;
    gateway.api("POST", "users/ada/ban", None).await;
    // The ban is of the instance too; a session under another name there is found out when it renews.
    client.begin("renew", json!({})).await;
    let closed = client.closed().await;
    assert_eq!(closed.code, 4011);
    assert!(closed.before.iter().all(|message| message.get("ok").is_none()), "{closed:?}");
}

#[tokio::test]
async fn a_deleted_user_is_gone_for_good() {
    let gateway = Gateway::dev().await;
    let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
    let start = token_start("ada", "instance-1", &token);
    let (mut client, started) = Client::start(&gateway, start.clone()).await;
    let answer = gateway.api("DELETE", "users/ada", None).await;
    assert_eq!((answer.status, &answer.body["sessions_ended"]), (200, &json!(1)));
    assert_eq!(client.closed().await.code, 4012);
    for start in [
        start,
        start_of("ada", "instance-2"),
        token_start("ada", "instance-1", &started["access_token"]),
    ] {
        assert_eq!(refused(&gateway, start).await.code, 4012);
    }
}

#[tokio::test]
async fn a_revocation_voids_what_was_issued_and_nothing_later() {
    let gateway = Gateway::dev().await;
    let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
    let start = token_start("ada", "instance-1", &token);
    let (mut client, started) = Client::start(&gateway, start.clone()).await;
    assert_eq!(gateway.api("POST", "users/ada/revoke", None).await.body["sessions_ended"], 1);
    assert_eq!(client.closed().await.code, 4101);
    for start in [start, token_start("ada", "instance-1", &started["access_token"])] {
        let closed = refused(&gateway, start).await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (4101, &json!("reauth")));
    }
    gateway.advance(Duration::from_secs(31));
    let fresh = json!(gateway.session_token(json!({ "username": "ada" })).await);
    Client::start(&gateway, token_start("ada", "instance-1", &fresh)).await;
}

#[tokio::test]
async fn an_operator_ends_one_session_and_its_user_may_return() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut other, _) = Client::guest(&gateway, "ada", "instance-2").await;
    let path = format!("sessions/{}", started["session"]["id"].as_str().unwrap());
    assert_eq!(gateway.api("DELETE", &path, None).await.status, 204);
    assert_eq!(client.closed().await.code, 4015);
    assert_eq!(gateway.api("DELETE", &path, None).await.status, 404);
    assert!(other.request("renew", json!({})).await.is_ok());
    Client::guest(&gateway, "ada", "instance-1").await;
}

#[tokio::test]
async fn end_revokes_the_access_token_by_default() {
    let gateway = Gateway::dev().await;
    for (body, works) in
        [(json!({}), false), (json!({ "revoke": true }), false), (json!({ "revoke": false }), true)]
    {
        let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
        let id = client.begin("end", body.clone()).await;
        let closed = client.closed().await;
        assert_eq!(closed.code, 1000);
        let ended = json!({ "ended": {} });
        assert!(
            closed.before.iter().any(|message| message["id"] == id && message["ok"] == ended),
            "{closed:?}"
        );
        let start = token_start("ada", "instance-1", &started["access_token"]);
        if works {
            Client::start(&gateway, start).await;
        } else {
            assert_eq!(refused(&gateway, start).await.code, 4101, "{body}");
        }
    }
}

#[tokio::test]
async fn a_registered_name_is_refused_to_guests_as_if_guests_were_off() {
    let gateway = Gateway::dev().await;
    let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
    Client::start(&gateway, token_start("ada", "instance-1", &token)).await;
    let registered = refused(&gateway, start_of("ada", "instance-2")).await;

    let without = Setup::new().with(|config| config.apps[0].guests = false).run().await;
    let off = refused(&without, start_of("ada", "instance-2")).await;
    assert_eq!(registered.code, 4003);
    assert_eq!(registered.before, off.before);
    assert_eq!(registered.disconnect, off.disconnect);
}

#[tokio::test]
async fn a_name_that_becomes_registered_ends_its_guests() {
    let gateway = Gateway::dev().await;
    let (mut guest, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut bystander, _) = Client::guest(&gateway, "bob", "instance-3").await;
    let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
    let (mut registered, received) =
        Client::start(&gateway, token_start("ada", "instance-2", &token)).await;
    assert_eq!(received["session"]["user"]["guest"], json!(false));
    assert_eq!(guest.closed().await.code, 4101);
    let again = token_start("ada", "instance-1", &started["access_token"]);
    assert_eq!(refused(&gateway, again).await.code, 4101);
    for client in [&mut registered, &mut bystander] {
        assert!(client.request("postpone_renewal", json!({})).await.is_ok());
    }
}

#[tokio::test]
async fn previous_session_ends_only_with_proof() {
    let gateway = Gateway::dev().await;
    let (mut guest, started) = Client::guest(&gateway, "guest-1", "instance-1").await;
    let (_other, foreign) = Client::guest(&gateway, "eve", "instance-2").await;
    let proof = |secret: &Value| json!({ "session": started["session"]["id"], "secret": secret });
    let token = json!(gateway.session_token(json!({ "username": "ada" })).await);
    let mut start = token_start("ada", "instance-3", &token);
    for secret in [json!("nonsense"), foreign["resume"]["secret"].clone()] {
        start["previous"] = proof(&secret);
        Client::start(&gateway, start.clone()).await;
        assert!(guest.request("postpone_renewal", json!({})).await.is_ok(), "without proof");
    }
    start["previous"] = proof(&started["resume"]["secret"]);
    let (mut client, _) = Client::start(&gateway, start).await;
    assert_eq!(guest.closed().await.code, 4013);
    assert!(client.request("postpone_renewal", json!({})).await.is_ok());
}

/// A gateway behind a proxy, whose bans of guests cover their addresses.
async fn banning_addresses() -> Gateway {
    let setup = Setup::new().behind_proxies().with(|config| {
        config.apps[0].ban_guest_addresses = true;
    });
    setup.run().await
}

#[tokio::test]
async fn guest_ban_covers_the_ipv6_network() {
    let gateway = banning_addresses().await;
    let connect = async |address: &str| Client::connect_from(&gateway, address).await;
    let mut eve = connect("2001:db8:1:2::1").await;
    eve.establish(start_of("eve", "instance-1")).await;
    let mut neighbour = connect("2001:db8:1:2:ffff::2").await;
    neighbour.establish(start_of("bob", "instance-2")).await;
    let mut other = connect("2001:db8:1:3::1").await;
    other.establish(start_of("ada", "instance-3")).await;
    gateway.api("POST", "users/eve/ban", None).await;
    assert_eq!(eve.closed().await.code, 4011);
    assert_eq!(neighbour.closed().await.code, 4011, "a live guest of the same /64");
    assert!(other.request("renew", json!({})).await.is_ok());
    for (address, is_banned) in [("2001:db8:1:2::3", true), ("2001:db8:1:3::1", false)] {
        let mut next = connect(address).await;
        next.send(json!({ "id": 0, "start": start_of("mallory", "instance-4") })).await;
        if is_banned {
            assert_eq!(next.closed().await.code, 4011, "{address}");
        } else {
            assert!(next.try_hear().await.is_some(), "{address}");
            assert!(next.reply(0).await.is_ok(), "{address}");
        }
    }
}

/// Guests resume their sessions on another network.
#[tokio::test]
async fn guest_ban_covers_the_address_it_moved_to() {
    let gateway = banning_addresses().await;
    let connect = async |address: &str| Client::connect_from(&gateway, address).await;
    let moved = async |username: &str, from: &str, to: &str| {
        let mut client = connect(from).await;
        let started = client.establish(start_of(username, &format!("instance-{username}"))).await;
        client.cut().await;
        let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
        let resume = json!({ "session": session, "secret": secret, "last_seq": 0 });
        let mut client = connect(to).await;
        client.send(json!({ "id": 0, "resume": resume })).await;
        client.reply(0).await.unwrap();
        client
    };
    let mut eve = moved("eve", "192.0.2.1", "198.51.100.1").await;
    let mut bob = moved("bob", "192.0.2.2", "198.51.100.1").await;
    eve.request("join", json!({ "room": "lobby" })).await.unwrap();
    let listed = gateway.api("GET", "sessions?username=eve", None).await;
    assert_eq!(listed.body["items"][0]["address"], "198.51.100.1");
    gateway.api("POST", "users/eve/ban", None).await;
    for client in [&mut eve, &mut bob] {
        assert_eq!(client.closed().await.code, 4011);
    }
    for (address, is_banned) in [("198.51.100.1", true), ("192.0.2.1", false)] {
        let mut next = connect(address).await;
        next.send(json!({ "id": 0, "start": start_of("mallory", "instance-4") })).await;
        if is_banned {
            assert_eq!(next.closed().await.code, 4011, "{address}");
        } else {
            assert!(next.reply(0).await.is_ok(), "{address}");
        }
    }
}
