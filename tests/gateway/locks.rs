//! The number of times a request locks its session: admission, answer and write.
//!
//! Locks are counted in debug builds, for each thread; client and gateway share the one of the test.
#![cfg(debug_assertions)]

use serde_json::{Value, json};
use stagedoor::sync::{Rank, acquisitions};

use crate::common::{Gateway, Person};

/// Admission and reply.
const TO_THE_QUEUED_REPLY: u64 = 2;
/// The connection's task takes the frame out of the session, and finds that it was the last.
const TO_WRITE: u64 = 1;

/// How many locks of sessions a request takes, from its frame to its reply on the wire.
async fn locks_of(person: &mut Person, command: &str, body: Value) -> u64 {
    let before = acquisitions(Rank::Session);
    person.does(command, body).await;
    acquisitions(Rank::Session) - before
}

#[tokio::test]
async fn local_request_locks_its_session_twice_until_the_reply() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "moderator").await;
    ada.received().await;
    for (command, body) in [
        ("postpone_renewal", json!({})),
        ("signal", json!({ "room": "lobby", "type": "chat", "data": "hi" })),
        ("roster", json!({ "room": "lobby" })),
    ] {
        let locks = locks_of(&mut ada, command, body).await;
        assert_eq!(locks, TO_THE_QUEUED_REPLY + TO_WRITE, "{command}");
    }
}
