//! Promise 11: while the engine cannot be used, sockets stay up and what needs the engine is rejected.

use std::sync::Arc;

use serde_json::json;
use stagedoor::clock::Clock;
use stagedoor::engine::{Engine, Local};
use stagedoor::store::{SqliteStore, Store};
use stagedoor_proto::Timestamp;

use crate::common::{Client, Setup, start_of};

#[tokio::test]
async fn closed_engine_rejects_changes_and_keeps_sockets() {
    let clock = Clock::manual(Timestamp::from_secs(1_900_000_000));
    let engine: Arc<dyn Engine> = Arc::new(Local::new(clock.clone(), 0));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().await.unwrap());
    let mut setup = Setup::new().clock(clock);
    setup.joined = Some((store, Arc::clone(&engine)));
    let gateway = setup.run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    engine.close().await;
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let publish = json!({ "room": "lobby", "stream": stream });
    assert_eq!(ada.fails("publish", publish).await, "engine_unavailable");
    assert!(ada.request("postpone_renewal", json!({})).await.is_ok(), "the socket is up");
    let start = json!({ "id": 0, "start": start_of("bob", "instance-2") });
    let closed = Client::refused(&gateway, start).await;
    assert_eq!(closed.disconnect["action"], "retry");
}
