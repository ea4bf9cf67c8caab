//! Promise 1: one live connection per client instance of a user.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use stagedoor::config::DuplicatePolicy;

use crate::common::{Client, Gateway, Setup, start_of};

/// How many start at once, and how often.
const RACERS: usize = 40;
const ROUNDS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn one_live_connection_per_client_instance_survives_any_race() {
    let gateway = Arc::new(Gateway::dev().await);
    for round in 0..ROUNDS {
        let username = format!("racer-{round}");
        let race = (0..RACERS).map(|_| {
            let (gateway, start) = (Arc::clone(&gateway), start_of(&username, "instance-1"));
            tokio::spawn(async move {
                let mut client = Client::connect(&gateway).await;
                client.send(json!({ "id": 0, "start": start })).await;
                client
            })
        });
        let mut clients: Vec<Client> =
            join_all(race).await.into_iter().map(Result::unwrap).collect();
        // First every start is decided, then each admitted one is asked: its end comes before the answer.
        let mut admit = Vec::new();
        for mut client in clients.drain(..) {
            match client.start_result().await {
                Ok(()) => admit.push(client),
                Err(code) => assert_eq!(code, 4013, "round {round}"),
            }
        }
        let mut survivor = None;
        for mut client in admit {
            match client.ending().await {
                Some(code) => assert_eq!(code, 4013, "round {round}"),
                None => assert!(survivor.replace(client).is_none(), "round {round}: two survived"),
            }
        }
        let live = gateway.hub().sessions.list("demo");
        let live =
            live.iter().filter(|session| session.user().username.as_str() == username).count();
        assert_eq!(live, 1, "round {round}: one session is live");
        let mut survivor = survivor.unwrap_or_else(|| panic!("round {round}: none survived"));
        assert!(
            survivor.request("renew", json!({})).await.is_ok(),
            "round {round}: the survivor's token lives"
        );
        survivor.close().await;
        survivor.lost().await;
    }
}

#[tokio::test]
async fn a_protected_session_that_shows_life_keeps_its_place() {
    let gateway =
        Setup::new().with(|config| config.apps[0].duplicate_policy = DuplicatePolicy::RejectNew);
    let gateway = gateway.run().await;
    let (mut holder, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let mut rival = Client::connect(&gateway).await;
    rival.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    holder.push("ping").await;
    holder.send(json!({ "pong": { "seq": holder.last_seq } })).await;
    let closed = rival.closed().await;
    assert_eq!(closed.code, 4014);
    assert!(holder.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_protected_session_that_is_suspended_gives_way() {
    let gateway =
        Setup::new().with(|config| config.apps[0].duplicate_policy = DuplicatePolicy::RejectNew);
    let gateway = gateway.run().await;
    let (holder, started) = Client::guest(&gateway, "ada", "instance-1").await;
    holder.cut().await;
    let (mut rival, _) = Client::guest(&gateway, "ada", "instance-1").await;
    assert!(rival.request("renew", json!({})).await.is_ok());
    assert_eq!(Client::resume_refused(&gateway, &started, 2).await.code, 4013);
}

#[tokio::test]
async fn the_oldest_session_gives_way_beyond_the_users_cap() {
    let gateway = Setup::new().with(|config| config.apps[0].sessions_per_user = 2).run().await;
    let (mut first, _) = gateway.registered("ada", "instance-1", json!({})).await;
    let (mut second, _) = gateway.registered("ada", "instance-2", json!({})).await;
    let (mut third, _) = gateway.registered("ada", "instance-3", json!({})).await;
    assert_eq!(first.closed().await.code, 4013);
    for client in [&mut second, &mut third] {
        assert!(client.request("postpone_renewal", json!({})).await.is_ok());
    }
}

#[tokio::test]
async fn the_late_loss_of_an_older_connection_changes_nothing() {
    let gateway = Gateway::dev().await;
    let (older, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut newer, _) = Client::resume(&gateway, &started, 2).await;
    older.cut().await;
    assert!(newer.request("renew", json!({})).await.is_ok());
    gateway.advance(Duration::from_secs(26));
    newer.push("ping").await;
    newer.send(json!({ "pong": { "seq": newer.last_seq } })).await;
    assert!(newer.request("renew", json!({})).await.is_ok());
    assert_eq!(gateway.hub().sessions.list("demo").len(), 1);
}
