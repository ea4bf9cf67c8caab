//! Promise 1: one live connection per client instance of a user, over all nodes.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;
use stagedoor::config::DuplicatePolicy;

use crate::common::{Client, start_of};
use crate::nodes::Nodes;

/// Number of concurrent starts, and of rounds.
const RACERS: usize = 6;
const ROUNDS: usize = 100;

#[tokio::test]
async fn a_start_on_the_other_node_displaces_the_session() {
    let nodes = Nodes::start().await;
    let (mut older, _) = Client::guest(&nodes.one, "ada", "instance-1").await;
    let (mut newer, _) = Client::guest(&nodes.other, "ada", "instance-1").await;
    assert_eq!(older.closed().await.code, 4013);
    assert!(newer.request("renew", json!({})).await.is_ok());
    assert_eq!(nodes.live("ada"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_starts_racing_on_two_nodes_exactly_one_survives() {
    let nodes = Arc::new(Nodes::start().await);
    for round in 0..ROUNDS {
        let username = format!("racer-{round}");
        let race = (0..RACERS).map(|racer| {
            let (nodes, start) = (Arc::clone(&nodes), start_of(&username, "instance-1"));
            tokio::spawn(async move {
                let gateway = if racer % 2 == 0 { &nodes.one } else { &nodes.other };
                let mut client = Client::connect(gateway).await;
                client.send(json!({ "id": 0, "start": start })).await;
                client
            })
        });
        let clients = join_all(race).await.into_iter().map(Result::unwrap);
        // All starts are decided and displaced sessions have ended before the sessions are checked.
        let mut sessions = Vec::new();
        for mut client in clients {
            match client.start_result().await {
                Ok(()) => sessions.push(client),
                Err(code) => assert_eq!(code, 4013, "round {round}"),
            }
        }
        nodes.until_live(&username, 1).await;
        let mut survivor = None;
        for mut client in sessions {
            match client.ending().await {
                Some(code) => assert_eq!(code, 4013, "round {round}"),
                None => assert!(survivor.replace(client).is_none(), "round {round}: two survived"),
            }
        }
        let mut survivor = survivor.unwrap_or_else(|| panic!("round {round}: none survived"));
        let renewed = survivor.request("renew", json!({})).await;
        assert!(renewed.is_ok(), "round {round}: the survivor's token lives: {renewed:?}");
        survivor.close().await;
        survivor.lost().await;
    }
}

#[tokio::test]
async fn the_oldest_session_gives_way_beyond_the_cap_on_any_node() {
    let nodes = Nodes::with(|config| config.apps[0].sessions_per_user = 2).await;
    let (mut first, _) = nodes.one.registered("ada", "instance-1", json!({})).await;
    let (mut second, _) = nodes.other.registered("ada", "instance-2", json!({})).await;
    let (mut third, _) = nodes.other.registered("ada", "instance-3", json!({})).await;
    assert_eq!(first.closed().await.code, 4013);
    for client in [&mut second, &mut third] {
        assert!(client.request("postpone_renewal", json!({})).await.is_ok());
    }
}

#[tokio::test]
async fn a_protected_session_on_the_other_node_keeps_its_instance() {
    let protect = |config: &mut stagedoor::config::Config| {
        config.apps[0].duplicate_policy = DuplicatePolicy::RejectNew;
    };
    let nodes = Nodes::with(protect).await;
    let (mut holder, _) = Client::guest(&nodes.one, "ada", "instance-1").await;
    let mut rival = Client::connect(&nodes.other).await;
    rival.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    holder.push("ping").await;
    holder.send(json!({ "pong": { "seq": holder.last_seq } })).await;
    assert_eq!(rival.closed().await.code, 4014);
    assert!(holder.request("renew", json!({})).await.is_ok());
    holder.cut().await;
    nodes.one.suspended("ada").await;
    let (mut next, _) = Client::guest(&nodes.other, "ada", "instance-1").await;
    assert!(next.request("renew", json!({})).await.is_ok());
    assert_eq!(nodes.live("ada"), 1);
}
