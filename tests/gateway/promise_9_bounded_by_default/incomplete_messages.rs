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

/// An unfinished message costs its client a few bytes, and takes the memory of what it announces.
#[tokio::test]
async fn begun_messages_of_one_address_leave_memory_to_others() {
    let setup = Setup::new().behind_proxies().with(|config| {
        config.limits.message_in_bytes = 2_048;
        config.limits.auth_params_bytes = 1_024;
        config.limits.messages_in_bytes_total = 16_000;
    });
    let gateway = setup.run().await;
    let connect = async |name: &str, address: &str| {
        let mut client = Client::connect_from(&gateway, address).await;
        client.establish(start_of(name, &format!("instance-{name}"))).await;
        client
    };
    let text = format!(r#"{{"id":7,"end":{{}}{}}}"#, " ".repeat(1_981));
    let message = masked(TEXT, text.as_bytes());
    let (first, rest) = message.split_at(14);
    let mut attackers = Vec::new();
    for n in 0..2 {
        let mut eve = connect(&format!("eve-{n}"), &format!("2001:db8::{n}")).await;
        eve.send_raw(first).await;
        attackers.push(eve);
    }
    wait_until_held(&gateway, 2 * text.len()).await;
    let mut third = connect("eve-3", "2001:db8::3").await;
    third.send_raw(first).await;
    assert_eq!(third.closed().await.code, 4201, "a quarter is held");
    let mut bob = connect("bob", "192.0.2.1").await;
    bob.send_raw(first).await;
    wait_until_held(&gateway, 3 * text.len()).await;
    bob.send_raw(rest).await;
    assert_eq!(bob.closed().await.code, 1000, "another address has memory");
    drop(attackers);
    wait_until_held(&gateway, 0).await;
}
