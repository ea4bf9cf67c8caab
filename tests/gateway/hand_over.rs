//! The state that a stopping gateway saves for the next: invalid state is discarded and grants nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::Connection;
use serde_json::json;
use stagedoor::auth::{AuthHook, AuthRequest, Decision, Denied, Purpose};
use stagedoor::server::Stopped;
use tokio::sync::Notify;

use crate::common::{Client, House, Person};

/// How many rows are left for the next gateway.
fn rows(database: &Connection) -> u32 {
    database.query_row("SELECT count(*) FROM hand_over", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_does_not_add_up_is_left_aside_as_a_whole() {
    for (case, damage) in [
        (
            "another format",
            r#"UPDATE hand_over SET value = CAST(replace(value, '"format":3', '"format":9999') AS BLOB) WHERE kind = 0"#,
        ),
        ("no head", "DELETE FROM hand_over WHERE kind = 0"),
        ("a session is missing", "DELETE FROM hand_over WHERE kind = 2 AND number = 0"),
        ("a body is missing", "DELETE FROM hand_over WHERE kind = 3 AND number = 0"),
        ("a room is cut off", "UPDATE hand_over SET value = substr(value, 1, 99) WHERE kind = 1"),
        (
            "a session is no JSON",
            "UPDATE hand_over SET value = x'ff' WHERE kind = 2 AND number = 1",
        ),
        (
            "a room's numbers are off",
            r#"UPDATE hand_over SET value = CAST(replace(value, '"is_large":false', '"is_large":true') AS BLOB) WHERE kind = 1"#,
        ),
    ] {
        let house = House::new();
        let gateway = house.open().await;
        let ada = gateway.enter("ada", "publisher").await.cut().await;
        let _bob = gateway.enter("bob", "publisher").await.cut().await;
        let clock = gateway.clock().clone();
        gateway.stop().await;
        let database = house.database();
        assert!(rows(&database) >= 4, "{case}");
        assert_eq!(database.execute(damage, []).unwrap(), 1, "{case}");
        drop(database);
        let gateway = house.setup().clock(clock).run().await;
        let (started, last_seq) = ada;
        let closed = Client::resume_refused(&gateway, &started, last_seq).await;
        assert_eq!(closed.code, 4401, "{case}");
        let fresh = gateway.enter("eve", "publisher").await;
        let here = fresh.joined["room"]["participants"].as_array().unwrap().len();
        assert_eq!(here, 1, "{case}: no earlier participant is in the room");
    }
}

#[tokio::test]
async fn it_names_no_secret_and_is_its_owners_alone() {
    let house = House::new();
    let gateway = house.open().await;
    let ada = gateway.enter("ada", "publisher").await;
    let secrets = [
        ada.started["resume"]["secret"].as_str().unwrap().to_owned(),
        ada.started["access_token"].as_str().unwrap().to_owned(),
        gateway.room_token("publisher"),
    ];
    ada.cut().await;
    gateway.stop().await;
    let database = house.database();
    let mut statement = database.prepare("SELECT value FROM hand_over").unwrap();
    let values: Vec<Vec<u8>> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(values.len() >= 3);
    for value in values {
        let text = String::from_utf8(value).unwrap();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(house.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn sessions_of_removed_apps_are_dropped_on_restore() {
    let house = House::new();
    let gateway = house.open().await;
    let (started, last_seq) = gateway.enter("ada", "publisher").await.cut().await;
    let gateway = house.reopen_with(gateway, |config| config.apps[0].id = "other".into()).await;
    let closed = Client::resume_refused(&gateway, &started, last_seq).await;
    assert_eq!(closed.code, 4401);
    assert_eq!(gateway.hub().sessions.count(), 0);
}

/// Says when it is asked for a renewal, and answers on request.
#[derive(Default)]
struct Stuck {
    asked: Notify,
    released: Notify,
}

impl AuthHook for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        request.purpose == Purpose::Renew
    }

    fn decide<'a>(&'a self, _: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async {
            self.asked.notify_one();
            self.released.notified().await;
            Decision::Deny(Denied::guest())
        }
        .boxed()
    }
}

#[tokio::test]
async fn unanswered_request_gets_an_unknown_outcome_reply() {
    let house = House::new();
    let hook = Arc::new(Stuck::default());
    let setup = house.setup().hook(Arc::clone(&hook) as Arc<dyn AuthHook>);
    let deadline = Duration::from_secs(1);
    let mut gateway = setup.with(|config| config.drain.deadline = deadline).run().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let stuck = ada.begin("renew", json!({ "auth_token": "any" })).await;
    hook.asked.notified().await;
    gateway.begin_stop();
    assert_eq!(ada.closed().await.code, 4200);
    let last_seq = ada.last_seq;
    let clock = gateway.clock().clone();
    assert_eq!(gateway.stop().await, Stopped::Late, "a request was still pending");
    // The answer comes too late to change anything. The pending work keeps the store open.
    hook.released.notify_one();
    while Arc::strong_count(&hook) > 1 {
        tokio::task::yield_now().await;
    }
    let gateway = house.setup().clock(clock).run().await;
    let (mut ada, resumed) = Client::resume(&gateway, &started, last_seq).await;
    assert_eq!(resumed["pending"], json!([]));
    assert_eq!(ada.reply(stuck).await.unwrap_err()["code"], "draining");
}

#[tokio::test]
async fn what_a_store_in_memory_holds_ends_with_it() {
    let gateway = crate::common::Gateway::dev().await;
    let ada: Person = gateway.enter("ada", "publisher").await;
    let (started, last_seq) = ada.cut().await;
    assert_eq!(gateway.stop().await, Stopped::Cleanly);
    let gateway = crate::common::Gateway::dev().await;
    let closed = Client::resume_refused(&gateway, &started, last_seq).await;
    assert_eq!(closed.code, 4401);
}
