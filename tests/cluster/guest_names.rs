//! Exclusive guest names, over all nodes.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};
use stagedoor::config::{Config, GuestNames};

use crate::common::{Client, Gateway, start_of};
use crate::nodes::Nodes;

/// Number of concurrent starts, and of rounds.
const RACERS: usize = 6;
const ROUNDS: usize = 100;

fn exclusive(config: &mut Config) {
    config.apps[0].guest_names = GuestNames::Exclusive;
}

/// The reply to a start of `ada`.
async fn try_start(gateway: &Gateway, start: Value) -> (Client, Result<Value, Value>) {
    let mut client = Client::connect(gateway).await;
    let id = client.begin("start", start).await;
    let reply = client.reply(id).await;
    (client, reply)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_guests_racing_for_a_name_on_two_nodes_one_gets_it() {
    let nodes = Arc::new(Nodes::with(exclusive).await);
    for round in 0..ROUNDS {
        let username = format!("racer-{round}");
        let race = (0..RACERS).map(|racer| {
            let (nodes, start) =
                (Arc::clone(&nodes), start_of(&username, &format!("instance-{racer}")));
            tokio::spawn(async move {
                let gateway = if racer % 2 == 0 { &nodes.one } else { &nodes.other };
                try_start(gateway, start).await
            })
        });
        let decided = join_all(race).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
        let taken = decided.iter().filter(|(_, reply)| match reply {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error["code"], "name_taken", "round {round}");
                true
            }
        });
        assert_eq!(taken.count(), RACERS - 1, "round {round}");
        assert_eq!(nodes.live(&username), 1, "round {round}");
        for (mut client, reply) in decided {
            if reply.is_ok() {
                assert!(client.request("end", json!({})).await.is_ok(), "round {round}");
            }
        }
    }
}

#[tokio::test]
async fn name_held_on_the_other_node_is_taken() {
    let nodes = Nodes::with(exclusive).await;
    let (ada, _) = Client::guest(&nodes.one, "ada", "instance-1").await;
    let (_, reply) = try_start(&nodes.other, start_of("ada", "instance-2")).await;
    let error = reply.unwrap_err();
    assert_eq!((&error["code"], &error["retry_after_ms"]), (&json!("name_taken"), &Value::Null));
    ada.cut().await;
    nodes.one.suspended("ada").await;
    let (mut client, reply) = try_start(&nodes.other, start_of("ada", "instance-2")).await;
    let error = reply.unwrap_err();
    assert_eq!(error["code"], "name_taken");
    assert!(error["retry_after_ms"].as_u64().unwrap() > 0);
    let started = client.establish(start_of("eve", "instance-2")).await;
    assert_eq!(started["session"]["user"]["username"], "eve");
}

#[tokio::test]
async fn session_on_the_other_node_proves_the_holder_of_a_name() {
    let nodes = Nodes::with(exclusive).await;
    let (mut ada, started) = Client::guest(&nodes.one, "ada", "instance-1").await;
    let continuing = |instance: &str, keep: bool| {
        let mut start = start_of("ada", instance);
        start["previous"] = json!({
            "session": started["session"]["id"], "secret": started["resume"]["secret"], "keep": keep,
        });
        start
    };
    let (mut tab, reply) = try_start(&nodes.other, continuing("instance-2", true)).await;
    assert!(reply.is_ok(), "{reply:?}");
    assert!(ada.request("renew", json!({})).await.is_ok());
    let (mut next, reply) = try_start(&nodes.other, continuing("instance-3", false)).await;
    assert!(reply.is_ok(), "{reply:?}");
    assert_eq!(ada.closed().await.code, 4013);
    for client in [&mut tab, &mut next] {
        assert!(client.request("renew", json!({})).await.is_ok());
    }
}
