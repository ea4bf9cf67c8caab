//! Signals: to all participants or one, in the room's order, unchanged, limited, delivered once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Gateway, Person, Setup};

async fn three(gateway: &Gateway) -> [Person; 3] {
    let ada = gateway.enter("ada", "publisher").await;
    let bob = gateway.enter("bob", "publisher_only").await;
    let eve = gateway.enter("eve", "subscriber").await;
    [ada, bob, eve]
}

fn chat(data: impl Into<Value>) -> Value {
    json!({ "room": "lobby", "type": "chat", "data": data.into() })
}

#[tokio::test]
async fn signal_to_oneself_is_delivered_like_any_other() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let signal = json!({ "room": "lobby", "to": ada.id(), "type": "chat", "data": 1 });
    assert_eq!(ada.does("signal", signal).await["sent"]["recipients"], 1);
    let received = ada.push("signal").await;
    assert_eq!(received["from"]["participant"], ada.id());
    let signal = json!({ "room": "lobby", "type": "chat", "data": 2 });
    assert_eq!(ada.does("signal", signal).await["sent"]["recipients"], 0);
    assert!(ada.received_of("signal").await.is_empty(), "a signal to all others has no copy");
}

#[tokio::test]
async fn a_signal_to_all_reaches_every_role_and_names_its_sender() {
    let gateway = Gateway::dev().await;
    let [mut ada, mut bob, mut eve] = three(&gateway).await;
    let sent = ada.does("signal", chat("hi")).await;
    assert_eq!(sent["sent"]["recipients"], 2);
    for person in [&mut bob, &mut eve] {
        let heard = person.push("signal").await;
        let from = json!({ "participant": ada.id(), "username": "ada" });
        assert_eq!((&heard["from"], &heard["type"]), (&from, &json!("chat")));
        assert_eq!(heard["order"], sent["sent"]["order"]);
    }
    assert!(ada.received_of("signal").await.is_empty());
}

#[tokio::test]
async fn direct_signal_reaches_only_its_target() {
    let gateway = Gateway::dev().await;
    let [mut ada, mut bob, mut eve] = three(&gateway).await;
    let mut signal = chat("psst");
    signal["to"] = eve.id();
    assert_eq!(ada.does("signal", signal).await["sent"]["recipients"], 1);
    assert_eq!(eve.received_of("signal").await.len(), 1);
    assert!(bob.received_of("signal").await.is_empty());
}

#[tokio::test]
async fn everybody_hears_the_rooms_order() {
    let gateway = Gateway::dev().await;
    let [mut ada, _, mut eve] = three(&gateway).await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut orders = Vec::new();
    for n in 0..6 {
        let sender = if n % 2 == 0 { &mut ada } else { &mut host };
        orders.push(sender.does("signal", chat(n)).await["sent"]["order"].as_u64().unwrap());
    }
    assert!(orders.windows(2).all(|pair| pair[1] == pair[0] + 1), "{orders:?}");
    let heard = eve.received_of("signal").await;
    let heard: Vec<_> = heard.iter().map(|signal| signal["order"].as_u64().unwrap()).collect();
    assert_eq!(heard, orders);
}

#[tokio::test]
async fn data_passes_byte_for_byte() {
    let gateway = Gateway::dev().await;
    let [mut ada, _, eve] = three(&gateway).await;
    let data = r#"{"b":1.0,  "a":[1e2,-0,12345678901234567890.5],"b":"\u00e9/\/","ü":null}"#;
    let request = format!(r#"{{"id":900,"signal":{{"room":"lobby","type":"raw","data":{data}}}}}"#);
    ada.send_text(&request).await;
    ada.reply(900).await.unwrap();
    let mut eve = eve.into_client();
    let text = loop {
        let text = eve.hear_text().await;
        if text.contains("\"signal\"") {
            break text;
        }
    };
    assert!(text.contains(data), "{text}");
}

#[tokio::test]
async fn type_and_size_are_bounded() {
    let gateway = Gateway::dev().await;
    let [mut ada, _, mut eve] = three(&gateway).await;
    let long_type = "t".repeat(129);
    for (case, type_, data, code) in [
        ("the largest", "t".repeat(128), "x".repeat(8_190), None),
        ("one byte more", "chat".to_owned(), "x".repeat(8_191), Some("too_large")),
        ("a long type", long_type, String::new(), Some("invalid_argument")),
        ("an empty type", String::new(), String::new(), Some("invalid_argument")),
        ("a type with a space", "a b".to_owned(), String::new(), Some("invalid_argument")),
        ("a type with a slash", "a/b".to_owned(), String::new(), Some("invalid_argument")),
    ] {
        let signal = json!({ "room": "lobby", "type": type_, "data": data });
        let result = ada.request("signal", signal).await;
        let refused = result.err().map(|error| error["code"].as_str().unwrap().to_owned());
        assert_eq!(refused.as_deref(), code, "{case}");
    }
    assert_eq!(eve.received_of("signal").await.len(), 1);
}

#[tokio::test]
async fn a_room_takes_so_many_signals_a_second() {
    let gateway = Setup::new().with(|config| config.limits.signals_per_s_per_room = 3).run().await;
    let [mut ada, _, mut eve] = three(&gateway).await;
    for n in 0..3 {
        ada.does("signal", chat(n)).await;
    }
    let error = ada.request("signal", chat(3)).await.unwrap_err();
    assert_eq!(error["code"], "rate_limited");
    let wait = error["retry_after_ms"].as_u64().unwrap();
    gateway.advance(Duration::from_millis(wait));
    ada.does("signal", chat(4)).await;
    assert_eq!(eve.received_of("signal").await.len(), 4);
}

#[tokio::test]
async fn a_signal_repeated_under_its_ref_is_sent_once() {
    let gateway = Gateway::dev().await;
    let [mut ada, _, mut eve] = three(&gateway).await;
    let mut signal = chat("once");
    signal["ref"] = json!("r1");
    let first = ada.does("signal", signal.clone()).await;
    assert_eq!(ada.does("signal", signal.clone()).await, first);
    assert_eq!(eve.received_of("signal").await.len(), 1);
    signal["data"] = json!("twice");
    assert_eq!(ada.fails("signal", signal).await, "ref_conflict");
    assert!(eve.received_of("signal").await.is_empty());
}
