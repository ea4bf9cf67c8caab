//! Tampering with the file is detected; logs written by the gateway stay intact.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{SqliteStore, open_audit_log};
use crate::room::{DurableChange, RoomKey};
use crate::store::conformance::NOW;
use crate::store::conformance::audit::event;
use crate::store::{AuditLog, RoomWrite, Store, StoreError, Tampered, VerifiedLog};

/// A store with a log of nine rows for `app`, written in three commits, and a log of another app.
async fn logged() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for n in 0..3 {
        let events = ["a", "b", "c"].map(|command| event(&format!("{command}{n}")));
        store.audit("app".into(), events.into()).await.unwrap();
        store.audit("other".into(), vec![event("x")]).await.unwrap();
    }
    (dir, path)
}

async fn verify(path: &Path, app: &str) -> Result<VerifiedLog, Tampered> {
    open_audit_log(path).await.unwrap().verify_audit(app.into(), None).await.unwrap()
}

fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn log_stays_intact_after_reopening() {
    let (_dir, path) = logged().await;
    let recorded = verify(&path, "app").await.unwrap().head;
    assert_eq!(recorded.number, 9);
    let store = SqliteStore::open(&path).await.unwrap();
    store.audit("app".into(), vec![event("after")]).await.unwrap();
    let rows = store.audit_rows("app".into(), 8, 10).await.unwrap();
    assert_eq!(rows[0].hash, recorded.hash.to_string().into(), "the head is the last row's");
    drop(store);
    let file = open_audit_log(&path).await.unwrap();
    let head = file.verify_audit("app".into(), Some(recorded)).await.unwrap().unwrap().head;
    assert_eq!((head, head.number), (file.audit_head("app".into()).await.unwrap(), 10));
    assert_eq!(file.audit_rows("app".into(), 9, 10).await.unwrap()[0].event, event("after"));
    assert_eq!(file.audited_apps().await.unwrap(), ["app", "other"]);
}

#[tokio::test]
async fn tampering_with_the_file_is_detected() {
    let changed = |number| Tampered::Changed { number };
    for (sql, expected) in [
        ("UPDATE audit_log SET event = replace(event, 'b1', 'z1') WHERE number = 5", changed(5)),
        ("UPDATE audit_log SET event = event || ' ' WHERE number = 1", changed(1)),
        ("UPDATE audit_log SET event = 'no JSON' WHERE number = 9", changed(9)),
        ("UPDATE audit_log SET event = CAST(x'ff' AS TEXT) WHERE number = 2", changed(2)),
        ("UPDATE audit_log SET hash = x'00' WHERE number = 4", changed(4)),
        ("UPDATE audit_log SET number = -1 WHERE number = 3", Tampered::Changed { number: 0 }),
        ("DELETE FROM audit_log WHERE number = 1", Tampered::Missing { number: 1 }),
        ("DELETE FROM audit_log WHERE number IN (4, 5)", Tampered::Missing { number: 4 }),
        (
            "UPDATE audit_log SET number = 100 WHERE number = 3; \
             UPDATE audit_log SET number = 3 WHERE number = 7; \
             UPDATE audit_log SET number = 7 WHERE number = 100",
            Tampered::Reordered { number: 3, found: 7 },
        ),
        (
            "UPDATE audit_log SET number = 12 WHERE number = 9",
            Tampered::Reordered { number: 9, found: 12 },
        ),
        ("DELETE FROM audit_log WHERE number > 6", Tampered::Cut { first: 7, last: 9 }),
        ("DELETE FROM audit_log", Tampered::Cut { first: 1, last: 9 }),
        ("UPDATE audit_heads SET number = 8", Tampered::Head { last: 9 }),
        ("UPDATE audit_heads SET hash = x'00'", Tampered::Head { last: 9 }),
        ("DELETE FROM audit_heads", Tampered::Head { last: 9 }),
        (
            "UPDATE audit_log SET app = 'third' WHERE app = 'other'; \
             UPDATE audit_log SET app = 'other' WHERE app = 'app'; \
             UPDATE audit_log SET app = 'app' WHERE app = 'third'",
            changed(1),
        ),
        ("UPDATE audit_key SET secret = zeroblob(32)", changed(1)),
    ] {
        let (_dir, path) = logged().await;
        tamper(&path, sql);
        assert_eq!(verify(&path, "app").await, Err(expected), "{sql}");
    }
}

#[tokio::test]
async fn recorded_head_reveals_an_older_copy() {
    let (_dir, path) = logged().await;
    let recorded = verify(&path, "app").await.unwrap().head;
    tamper(
        &path,
        "DELETE FROM audit_log WHERE number > 6; \
         UPDATE audit_heads SET number = 6, hash = \
            (SELECT hash FROM audit_log WHERE app = 'app' AND number = 6) WHERE app = 'app'",
    );
    assert_eq!(verify(&path, "app").await.unwrap().head.number, 6, "on its own it is intact");
    let log = open_audit_log(&path).await.unwrap();
    let found = log.verify_audit("app".into(), Some(recorded)).await.unwrap();
    assert_eq!(found, Err(Tampered::Cut { first: 7, last: 9 }));
}

#[tokio::test]
async fn log_with_a_reset_head_accepts_no_rows() {
    let (_dir, path) = logged().await;
    tamper(&path, "UPDATE audit_heads SET number = 5");
    let store = SqliteStore::open(&path).await.unwrap();
    let refused = store.audit("app".into(), vec![event("more")]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    drop(store);
    assert_eq!(
        verify(&path, "app").await,
        Err(Tampered::Head { last: 9 }),
        "nothing was papered over"
    );
}

#[tokio::test]
async fn reading_changes_nothing_and_needs_a_store_of_this_version() {
    let (dir, path) = logged().await;
    let before = std::fs::read(&path).unwrap();
    let file = open_audit_log(&path).await.unwrap();
    assert_eq!(file.audit_head("unknown".into()).await.unwrap().number, 0);
    drop(file);
    assert!(std::fs::read(&path).unwrap() == before);

    let refusal =
        async |path: &Path| open_audit_log(path).await.err().expect("it is refused").to_string();
    assert!(refusal(&dir.path().join("none.db")).await.ends_with("there is no such file"));
    assert!(!dir.path().join("none.db").exists());
    for (version, reason) in [(1, "start the gateway once"), (99, "newer gateway")] {
        tamper(&path, &format!("PRAGMA user_version = {version}"));
        let text = refusal(&path).await;
        assert!(text.contains(reason), "{version}: {text}");
    }
    tamper(&path, "PRAGMA application_id = 1");
    assert!(refusal(&path).await.ends_with("another program's database"));
}

#[tokio::test]
async fn what_a_killed_gateway_left_in_its_log_is_read_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.audit("app".into(), vec![event("a"), event("b")]).await.unwrap();
    // This copy is what a kill would leave.
    let copy = dir.path().join("copy.db");
    for end in ["", "-wal"] {
        let with = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(with(&path), with(&copy)).unwrap();
    }
    assert_eq!(verify(&copy, "app").await.unwrap().head.number, 2);
}

#[tokio::test]
async fn facts_of_unused_rooms_are_pruned() {
    let store = SqliteStore::in_memory().await.unwrap();
    let room = |n: u32| RoomKey { app: "app".into(), room: format!("room-{n}").parse().unwrap() };
    for n in 0..150 {
        let changes = vec![DurableChange::Ended { at: NOW, keep_until: NOW }];
        store.persist_room(RoomWrite { changes, ..RoomWrite::new(room(n), 1) }).await.unwrap();
    }
    for (hours, left) in [(0, 150), (2, 50), (2, 0)] {
        let now = NOW + std::time::Duration::from_hours(hours);
        store.load_room(room(1_000), now).await.unwrap();
        let count = store.read(|db| {
            db.query_row("SELECT count(*) FROM room_facts", [], |row| row.get::<_, u32>(0))
        });
        assert_eq!(count.await.unwrap(), left, "{hours} hours later");
    }
}

#[tokio::test]
async fn first_schema_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("../migrations/sqlite/0001_users_blocks_keys.sql")).unwrap();
    db.execute_batch("PRAGMA application_id = 0x53746764; PRAGMA user_version = 1").unwrap();
    drop(db);
    drop(SqliteStore::open(&path).await.unwrap());
    let log = open_audit_log(&path).await.unwrap();
    let head = log.audit_head("app".into()).await.unwrap();
    assert_eq!(head.number, 0);
}
