//! Tests of the observable connection, against a scripted gateway and the real one.

use std::time::Duration;

use serde_json::json;
use stagedoor_client::proto::CloseCode;
use stagedoor_client::{Backoff, Client, ConnectionSnapshot, ConnectionStatus};
use stagedoor_client::{SessionManager, StartWith};

use crate::gateway::{Gateway, degraded, resumed};
use crate::program::Program;
use crate::reconnector::{builder, established};

fn status(snapshot: &ConnectionSnapshot) -> (ConnectionStatus, u32) {
    (snapshot.status, snapshot.attempt)
}

fn guest(name: &str) -> StartWith {
    StartWith::Guest(name.parse().expect("a username"))
}

#[tokio::test]
async fn attempts_are_counted_until_one_succeeds() {
    let gateway = Gateway::bind().await;
    let (session, mut events, served) = established(&gateway, builder(&gateway)).await;
    let mut observer = session.observe_connection();
    assert_eq!(status(&observer.next().await.unwrap()), (ConnectionStatus::Live, 0));
    drop(served);
    let lost = observer.wait_for(|now| now.status != ConnectionStatus::Live).await.unwrap();
    assert!(lost.last_end.is_some(), "{lost:?}");
    for attempt in 1..=2 {
        drop(gateway.accept_tcp().await);
        observer.wait_for(|now| now.attempt == attempt).await.unwrap();
    }
    let mut served = gateway.accept().await;
    let third = observer.wait_for(|now| now.attempt == 3).await.unwrap();
    assert_eq!((third.status, third.next_attempt), (ConnectionStatus::Connecting, None));
    let (id, _) = served.resume().await;
    served.send(resumed(id, 0, &[], "secret-2")).await;
    let live = observer.wait_for(|now| now.status == ConnectionStatus::Live).await.unwrap();
    assert_eq!((live.attempt, live.last_end), (0, lost.last_end));
    assert_eq!(session.connection().status, ConnectionStatus::Live);

    served.send(degraded(1)).await;
    observer.wait_for(|now| now.is_degraded).await.unwrap();
    served.part(4010, json!({})).await;
    events.ended().await.expect("an ending");
    let idle = observer.wait_for(|now| now.status == ConnectionStatus::Idle).await.unwrap();
    let code = idle.last_end.and_then(|end| end.disconnect).map(|disconnect| disconnect.code);
    assert_eq!((code, idle.is_degraded), (Some(CloseCode::Kicked), false));
}

#[tokio::test]
async fn manager_shows_the_connection_of_its_session() {
    let directory = tempfile::tempdir().unwrap();
    let first = Program::run_with("127.0.0.1:0", Some(directory.path()));
    let listen = first.listen().to_owned();
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(20));
    let client = Client::builder(first.url()).app("demo").backoff(backoff);
    let manager = SessionManager::new(client);
    let mut observer = manager.observe_connection();
    assert_eq!(status(&observer.next().await.unwrap()), (ConnectionStatus::Idle, 0));
    let (result, starting) = tokio::join!(manager.start(guest("ann")), observer.next());
    assert!(result.succeeded(), "{result:?}");
    assert_eq!(status(&starting.unwrap()), (ConnectionStatus::Connecting, 1));
    assert_eq!(status(&observer.next().await.unwrap()), (ConnectionStatus::Live, 0));

    first.stop().await;
    let waits = |now: &ConnectionSnapshot| now.status == ConnectionStatus::Waiting;
    let waiting = observer.wait_for(waits).await.unwrap();
    assert!(waiting.next_attempt.is_some(), "{waiting:?}");
    let end = waiting.last_end.and_then(|end| end.disconnect).expect("a drain says so");
    assert_eq!(end.code, CloseCode::Draining);
    let _second = Program::run_with(&listen, Some(directory.path()));
    observer.wait_for(|now| now.status == ConnectionStatus::Live).await.unwrap();
    manager.stop(true).await;
    observer.wait_for(|now| now.status == ConnectionStatus::Idle).await.unwrap();
    assert_eq!(manager.connection(), observer.value());
}

#[tokio::test]
async fn failed_start_leaves_no_connection() {
    let program = Program::run();
    let manager = SessionManager::new(Client::builder(program.url()).app("no-such-app"));
    assert!(manager.start(guest("ann")).await.failed());
    assert_eq!(status(&manager.connection()), (ConnectionStatus::Idle, 0));
}
