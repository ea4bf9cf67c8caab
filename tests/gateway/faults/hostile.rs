//! Invalid requests around a resume.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::unhurried;
use crate::common::{Client, Closed, Gateway, Setup, Survivor, start_of};

/// The numbers of `establishing` and `established`: what a client has seen after its start.
const SEEN: u64 = 2;

fn resume_of(started: &Value, last_seq: &str) -> String {
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    format!(
        r#"{{"id":0,"resume":{{"session":{session},"secret":{secret},"last_seq":{last_seq}}}}}"#
    )
}

async fn refused(gateway: &Gateway, first: &str) -> Closed {
    let mut client = Client::connect(gateway).await;
    client.send_text(first).await;
    client.closed().await
}

#[tokio::test]
async fn a_last_seq_that_cannot_be_is_refused_and_changes_nothing() {
    let gateway = unhurried().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    for (last_seq, code) in [
        ("3", Some(4401)),
        ("18446744073709551615", Some(4401)),
        ("-1", None),
        ("1.5", None),
        ("1e30", None),
        ("18446744073709551616", None),
        ("\"2\"", None),
        ("null", None),
        ("[2]", None),
    ] {
        let mut client = Client::connect(&gateway).await;
        client.send_text(&resume_of(&started, last_seq)).await;
        let error = &client.hear().await["error"];
        match code {
            Some(code) => assert_eq!(client.closed().await.code, code, "{last_seq}"),
            None => assert_eq!(error["code"], "malformed", "{last_seq}"),
        }
    }
    assert!(ada.request("renew", json!({})).await.is_ok(), "it was left alone");
    assert_eq!(ada.last_seq, SEEN + 1);
}

#[tokio::test]
async fn what_waits_for_a_client_cannot_have_been_seen() {
    let gateway = unhurried().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let (started, last_seq) = ada.cut().await;
    host.push("participant_link").await;
    host.does("signal", json!({ "room": "lobby", "type": "n", "data": 1 })).await;
    let lying = resume_of(&started, &(last_seq + 1).to_string());
    assert_eq!(refused(&gateway, &lying).await.code, 4401);
    let (mut ada, _) = Client::resume(&gateway, &started, last_seq).await;
    assert_eq!(ada.push("signal").await["data"], 1, "nothing of it was taken away");
}

#[tokio::test]
async fn a_stolen_secret_is_worth_nothing_once_its_owner_has_spoken() {
    let gateway = unhurried().await;
    let mut ada = Survivor::start(&gateway.url(), start_of("ada", "instance-1")).await;
    let stolen = ada.started.clone();
    ada.cut().await;
    ada.resume(&gateway.url()).await;
    ada.catch_up().await;
    assert_eq!(refused(&gateway, &resume_of(&stolen, "2")).await.code, 4401);
    ada.catch_up().await;
    // And one that was stolen in time is found out: its owner learns that another took over.
    ada.cut().await;
    let mut current = stolen;
    current["resume"]["secret"] = ada.secret.clone();
    ada.resume(&gateway.url()).await;
    let (mut thief, _) = Client::resume(&gateway, &current, SEEN).await;
    ada.hear_out().await;
    assert_eq!(ada.heard_of("disconnect")[0]["code"], 4016);
    assert!(thief.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn absurd_pongs_are_harmless_malformed_ones_end_the_session() {
    let gateway = unhurried().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    for seq in ["0", "1", "2", "3", "18446744073709551615"] {
        ada.send_text(&format!(r#"{{"pong":{{"seq":{seq}}}}}"#)).await;
    }
    assert!(ada.request("renew", json!({})).await.is_ok());
    for (n, seq) in
        ["-1", "1.5", "1e3", "18446744073709551616", "\"1\"", "null", "{}"].into_iter().enumerate()
    {
        let (mut client, _) =
            Client::guest(&gateway, &format!("bob-{n}"), &format!("instance-of-{n}")).await;
        client.send_text(&format!(r#"{{"pong":{{"seq":{seq}}}}}"#)).await;
        assert_eq!(client.closed().await.code, 4500, "{seq}");
    }
    assert!(ada.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn pong_flood_closes_the_connection_not_the_session() {
    let setup = Setup::new();
    let gateway = setup
        .with(|config| (config.limits.pings_per_s, config.limits.pings_burst) = (4, 10))
        .run()
        .await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    for _ in 0..10 {
        ada.send(json!({ "pong": { "seq": SEEN } })).await;
    }
    ada.request("postpone_renewal", json!({})).await.unwrap();
    ada.send(json!({ "pong": { "seq": SEEN } })).await;
    let closed = ada.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4202, &json!("retry")));
    assert_eq!(closed.disconnect["retry_after_ms"], 250);
    gateway.advance(Duration::from_millis(250));
    let (mut ada, _) = Client::resume(&gateway, &started, SEEN + 1).await;
    ada.send(json!({ "pong": { "seq": SEEN + 1 } })).await;
    assert!(ada.request("renew", json!({})).await.is_ok());
}

/// One of two tabs with the same stored session. It does what each ending's `action` says, until that is to stop or the
/// other was; how often it connected.
async fn tab(gateway: Arc<Gateway>, stored: Value, other_stopped: CancellationToken) -> u32 {
    let mut connects = 0;
    let mut first = json!({ "id": 0, "resume": {
        "session": stored["session"]["id"], "secret": stored["resume"]["secret"], "last_seq": SEEN,
    } });
    loop {
        connects += 1;
        let mut client = Client::connect(&gateway).await;
        client.send(first.clone()).await;
        let mut action = Value::Null;
        loop {
            let message = tokio::select! {
                biased;
                message = client.try_hear() => message,
                () = other_stopped.cancelled() => return connects,
            };
            let Some(message) = message else { break };
            if message.pointer("/ok/resumed").is_some() || message.pointer("/ok/started").is_some()
            {
                client.begin("postpone_renewal", json!({})).await;
            }
            if let Some(disconnect) = message.get("disconnect") {
                action = disconnect["action"].clone();
            }
        }
        match action.as_str() {
            Some("stop") => {
                other_stopped.cancel();
                return connects;
            }
            Some("start") => {
                let mut start = start_of("ada", "instance-1");
                start["credentials"] = json!({ "token": stored["access_token"] });
                first = json!({ "id": 0, "start": start });
            }
            other => panic!("no client is to {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_with_one_stored_session_do_not_fight_for_ever() {
    let gateway = Arc::new(unhurried().await);
    for round in 0..50 {
        let (client, stored) = Client::guest(&gateway, "ada", "instance-1").await;
        client.cut().await;
        let stopped = CancellationToken::new();
        let tabs = [(); 2]
            .map(|()| tokio::spawn(tab(Arc::clone(&gateway), stored.clone(), stopped.clone())));
        let mut connects = 0;
        for tab in tabs {
            connects += tab.await.unwrap();
        }
        assert!((2..=4).contains(&connects), "round {round}: {connects} connections");
    }
}
