//! The memory of messages that the node is receiving.

use crate::common::raw::{FIRST, MORE, TEXT, masked};
use crate::common::{Client, Gateway, Setup, start_of};

async fn client(gateway: &Gateway, name: &str) -> Client {
    Client::start(gateway, start_of(name, &format!("instance-{name}"))).await.0
}

fn held(gateway: &Gateway) -> usize {
    let scrape = gateway.hub().scrape();
    let name = "stagedoor_incomplete_messages_bytes ";
    let sample = scrape.lines().find_map(|line| line.strip_prefix(name));
    sample.unwrap().parse().unwrap()
}

async fn wait_until_held(gateway: &Gateway, bytes: usize) {
    while held(gateway) != bytes {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn messages_being_received_share_a_budget() {
    let setup = Setup::new().with(|config| config.limits.messages_in_bytes_total = 4_000);
    let gateway = setup.run().await;
    let text = format!(r#"{{"id":7,"end":{{}}{}}}"#, " ".repeat(2_980));
    let message = masked(TEXT, text.as_bytes());
    let (first, rest) = message.split_at(200);
    let mut ada = client(&gateway, "ada").await;
    let (mut bob, mut eve) = (client(&gateway, "bob").await, client(&gateway, "eve").await);
    ada.send_raw(first).await;
    wait_until_held(&gateway, text.len()).await;
    // Of two fragments, each would fit into the read buffer.
    bob.send_raw(&masked(FIRST, &[b' '; 1_000])).await;
    bob.send_raw(&masked(MORE, &[b' '; 1_000])).await;
    assert_eq!(bob.closed().await.code, 4201);
    eve.request("roster", serde_json::json!({ "room": "lobby" })).await.unwrap_err();
    ada.send_raw(rest).await;
    assert_eq!(ada.closed().await.code, 1000, "it was received whole");
    wait_until_held(&gateway, 0).await;
    eve.send_raw(first).await;
    wait_until_held(&gateway, text.len()).await;
    drop(eve);
    wait_until_held(&gateway, 0).await;
}
