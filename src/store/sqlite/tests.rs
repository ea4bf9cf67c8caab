//! Behavior of this implementation only: files, schema versions, batches.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::future::join_all;
use rusqlite::Connection;
use stagedoor_proto::{BlockSource, Username};

use super::sizes::Sizes;
use super::writer::{Durability, MAX_QUEUED_CALLS};
use super::{SqliteStore, backup, synced};
use crate::config::file_problem;
use crate::store::conformance::{NOW, ban, by_token, every_rule, family, start, unban, user};
use crate::store::{
    Admission, Archive, AuthMethod, Journal, Refusal, SigningKey, Store, StoreError, TokenPosition,
};

every_rule!(SqliteStore::in_memory().await.unwrap(), counts_agree_with_the_rows);

/// Starts skip queries in an app without rows: a count that is too low would let a blocked user in.
async fn counts_agree_with_the_rows(store: &SqliteStore) {
    let counted = store.read(|db| {
        let sizes = Sizes::default();
        sizes.load(db)?;
        Ok(sizes.all())
    });
    let counted = counted.await.unwrap();
    assert_eq!(store.sizes.all(), counted);
}

/// The error of opening `path`.
async fn refusal(path: &Path) -> String {
    let error = SqliteStore::open(path).await.err().expect("it is refused");
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()) && !text.contains('\n'), "{text}");
    text
}

fn key() -> SigningKey {
    SigningKey { kid: "first".into(), secret: [7; 32], created: NOW, until: None }
}

#[tokio::test]
async fn everything_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for (name, bits) in [("stays", 1), ("is blocked", 2), ("is deleted", 3), ("is revoked", 4)] {
        store.admit(start(name, AuthMethod::Guest, bits)).await.unwrap().unwrap();
    }
    store.block(user("is blocked"), ban(), None, false, Journal::default()).await.unwrap();
    store.delete_user(user("is deleted"), false, NOW, None).await.unwrap();
    store.revoke_user(user("is revoked"), NOW, None).await.unwrap();
    store.signing_keys(key()).await.unwrap();
    drop(store);

    let store = SqliteStore::open(&path).await.unwrap();
    for (name, bits, expected) in [
        // The block covers the instance they share.
        ("stays", 1, Some(Refusal::Blocked(ban()))),
        ("is blocked", 2, Some(Refusal::Blocked(ban()))),
        ("is deleted", 3, Some(Refusal::Deleted)),
    ] {
        let answer = store.admit(start(name, by_token(bits), 9)).await.unwrap();
        assert_eq!(answer.err(), expected, "{name}");
    }
    assert!(unban(&store, user("is blocked"), NOW, None).await);
    for (name, bits, expected) in
        [("is revoked", 4, Some(Refusal::Revoked)), ("is blocked", 2, None)]
    {
        let answer = store.admit(start(name, by_token(bits), 9)).await.unwrap();
        assert_eq!(answer.err(), expected, "{name}");
    }
    let other = SigningKey { kid: "other".into(), ..key() };
    assert!(store.signing_keys(other).await.unwrap() == [key()]);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("stagedoor.db")).await.unwrap();
    store.ready().await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let expected = ["", "-lock", "-shm", "-wal"].map(|end| format!("stagedoor.db{end}"));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn store_file_is_locked_to_one_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let first = SqliteStore::open(&path).await.unwrap();
    assert!(refusal(&path).await.ends_with("another gateway has it open"));
    first.ready().await.unwrap();
    // The rejected gateway must not release the first one's lock.
    assert!(refusal(&path).await.ends_with("another gateway has it open"));
    #[cfg(unix)]
    {
        let other_name = dir.path().join("other.db");
        std::os::unix::fs::symlink(&path, &other_name).unwrap();
        assert!(refusal(&other_name).await.ends_with("another gateway has it open"));
    }
    drop(first);
    SqliteStore::open(&path).await.unwrap().ready().await.unwrap();
}

#[tokio::test]
async fn backup_of_a_store_in_use_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let store = SqliteStore::open(&at("stagedoor.db")).await.unwrap();
    store.admit(start("before", AuthMethod::Guest, 1)).await.unwrap().unwrap();
    let bytes = backup(&at("stagedoor.db"), &at("copy.db")).unwrap();
    store.block(user("before"), ban(), None, false, Journal::default()).await.unwrap();
    let data = fs::metadata(at("copy.db")).unwrap();
    assert_eq!(data.len(), bytes);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o777, 0o600);

    let restored = SqliteStore::open(&at("copy.db")).await.unwrap();
    let known = |store| async move { Archive::user(store, user("before"), NOW).await.unwrap() };
    assert_eq!(known(&restored).await.map(|user| user.block), Some(None), "it was banned later");
    assert_eq!(known(&store).await.map(|user| user.block), Some(Some(ban())));
}

#[tokio::test]
async fn failed_backup_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let store = SqliteStore::open(&at("stagedoor.db")).await.unwrap();
    fs::write(at("text"), "no store").unwrap();
    for (from, to, expected_path, reason) in [
        ("stagedoor.db", "text", "text", "file exists; name a new one"),
        ("stagedoor.db", "missing/copy.db", "missing/copy.db", "does not exist; create it"),
        ("missing.db", "copy.db", "missing.db", "there is no such file"),
        ("text", "copy.db", "text", "file is not a database"),
    ] {
        let error = backup(&at(from), &at(to)).expect_err("it is refused").to_string();
        assert!(
            error.contains(expected_path) && error.contains(reason),
            "expected {reason:?}: {error}"
        );
        assert!(!at("copy.db").exists(), "{error}");
    }
    assert_eq!(fs::read_to_string(at("text")).unwrap(), "no store");
    store.ready().await.unwrap();
}

#[tokio::test]
async fn newer_schema_is_rejected_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    drop(SqliteStore::open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for _ in 0..2 {
        let refused = SqliteStore::open(&path).await.err().expect("it is refused");
        let StoreError::SchemaTooNew { found, known, .. } = refused else { panic!("{refused}") };
        assert_eq!((found, known), (99, super::open::VERSION));
    }
}

#[tokio::test]
async fn other_files_are_rejected_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("text"), "no database at all, and long enough for a header ".repeat(20)).unwrap();
    let foreign = Connection::open(at("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE t (x); PRAGMA user_version = 7").unwrap();
    drop(foreign);
    fs::write(at("empty"), "").unwrap();
    for (path, reason) in [
        (dir.path().to_path_buf(), "is a directory; name a file in it"),
        (at("text"), "file is not a database"),
        (at("foreign.db"), "file is another program's database"),
        (at("empty"), "file is empty; restore a backup, or delete the file"),
        (at("missing/stagedoor.db"), "missing does not exist; create it, or name another one"),
        (at("text/stagedoor.db"), "text is not a directory; name another one"),
    ] {
        let text = refusal(&path).await;
        assert!(text.contains(reason), "expected {reason:?}: {text}");
        // `check-config` reports the same words.
        assert!(file_problem(&path).is_none_or(|problem| text.ends_with(&problem)), "{text}");
    }
    let error = backup(&at("empty"), &at("copy.db")).unwrap_err().to_string();
    assert!(error.contains("file is empty"), "{error}");
    assert_eq!(fs::metadata(at("empty")).unwrap().len(), 0, "it is unchanged");
    assert!(fs::read_to_string(at("text")).unwrap().starts_with("no database"), "it is unchanged");
}

/// Blocks the writer from `started` until `go_on`, so that the calls made meanwhile form one batch.
pub(super) struct Gate {
    started: Receiver<()>,
    go_on: Sender<()>,
}

impl Gate {
    /// Queues a call that blocks the writer until the gate opens.
    pub(super) fn close(
        store: &SqliteStore,
    ) -> (Self, impl Future<Output = Result<(), StoreError>>) {
        let (notify_started, started) = channel();
        let (go_on, wait) = channel();
        let call = store.read(move |_| {
            notify_started.send(()).expect("the test listens");
            wait.recv().expect("the test opens the gate");
            Ok(())
        });
        (Self { started, go_on }, call)
    }
}

/// Makes `calls` while the writer is blocked, so that they run in one batch, in order.
async fn in_one_batch<T, F: Future<Output = T>>(
    store: &SqliteStore,
    calls: impl Iterator<Item = F>,
) -> Vec<T> {
    let (gate, gated) = Gate::close(store);
    let mut gated = Box::pin(gated);
    assert!(futures::poll!(&mut gated).is_pending());
    gate.started.recv().unwrap();
    let mut calls = Box::pin(join_all(calls));
    assert!(futures::poll!(&mut calls).is_pending());
    gate.go_on.send(()).unwrap();
    gated.await.unwrap();
    calls.await
}

/// An operation that writes and then fails if requested.
async fn add_user(store: &SqliteStore, name: &'static str, then: Then) -> Result<(), StoreError> {
    let sql = match then {
        Then::Succeed => "",
        Then::Fail => "SELECT * FROM no_such_table",
        Then::SpoilTheCommit => {
            "PRAGMA defer_foreign_keys = ON; INSERT INTO block_reach VALUES ('app', 0, x'00', 'unknown', NULL)"
        }
    };
    store
        .persist(move |db| {
            db.execute(
                "INSERT INTO users (app, username, registered) VALUES ('app', ?1, 1)",
                [name],
            )?;
            db.execute_batch(sql)
        })
        .await
}

#[derive(Clone, Copy)]
enum Then {
    Succeed,
    Fail,
    SpoilTheCommit,
}

async fn usernames(store: &SqliteStore) -> Vec<Username> {
    let names = store.read(|db| {
        let mut statement = db.prepare("SELECT username FROM users ORDER BY username")?;
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
    });
    names.await.unwrap().iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn failing_call_is_rolled_back_alone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let calls = [("a", Then::Succeed), ("b", Then::Fail), ("c", Then::Succeed), ("d", Then::Fail)]
        .map(|(name, then)| add_user(&store, name, then));
    let answers = in_one_batch(&store, calls.into_iter()).await;
    let ok: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, false, true, false]);
    let Err(StoreError::Unavailable { store: name, reason }) = &answers[1] else {
        panic!("{answers:?}")
    };
    assert!(name == ":memory:" && reason.contains("no_such_table"), "{name}: {reason}");
    assert_eq!(usernames(&store).await, ["a", "c"].map(|name| name.parse().unwrap()));
}

#[tokio::test]
async fn failed_commit_fails_only_its_batch() {
    let store = SqliteStore::in_memory().await.unwrap();
    let calls = [("a", Then::Succeed), ("b", Then::SpoilTheCommit), ("c", Then::Succeed)]
        .map(|(name, then)| add_user(&store, name, then));
    for answer in in_one_batch(&store, calls.into_iter()).await {
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    }
    add_user(&store, "d", Then::Succeed).await.unwrap();
    assert_eq!(usernames(&store).await, ["d".parse().unwrap()]);
}

#[tokio::test]
async fn full_disk_rejects_writes_until_there_is_space() {
    let store = SqliteStore::in_memory().await.unwrap();
    let limit = |pages: u32| {
        store.read(move |db| {
            db.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, u32>(0))
        })
    };
    limit(1).await.unwrap();
    let profile = crate::store::Profile { name: Some("x".repeat(100_000)), properties: None };
    let registered = AuthMethod::Hook { issued: None };
    let large = Admission { profile, ..start("large", registered, 1) };
    let refused = store.admit(large.clone()).await;
    let Err(StoreError::Unavailable { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("full"), "{reason}");
    limit(1_000).await.unwrap();
    store.admit(large).await.unwrap().unwrap();
}

#[tokio::test]
async fn full_queue_rejects_one_call_and_answers_the_rest() {
    let store = SqliteStore::in_memory().await.unwrap();
    let calls = (0..=MAX_QUEUED_CALLS).map(|_| store.ready());
    let answers = in_one_batch(&store, calls).await;
    let (last, others) = answers.split_last().unwrap();
    assert!(matches!(last, Err(StoreError::Full { waiting: MAX_QUEUED_CALLS })), "{last:?}");
    assert!(others.iter().all(Result::is_ok));
}

#[tokio::test]
async fn calls_run_in_call_order_not_poll_order() {
    let store = SqliteStore::in_memory().await.unwrap();
    let gated = Gate::close(&store);
    let (block, lift) = (
        store.block(user("ada"), ban(), None, false, Journal::default()),
        store.unblock(user("ada"), BlockSource::Operator, NOW, None),
    );
    let mut lift = Box::pin(lift);
    assert!(futures::poll!(&mut lift).is_pending());
    gated.0.go_on.send(()).unwrap();
    assert!(lift.await.unwrap().was_blocked, "the block was there before");
    block.await.unwrap();
    gated.1.await.unwrap();
}

#[tokio::test]
async fn dropped_call_still_runs_before_the_store_closes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let store = SqliteStore::open(&path).await.unwrap();
    drop(store.block(user("ada"), ban(), None, false, Journal::default()));
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(unban(&store, user("ada"), NOW, None).await);
}

/// Whether the current transaction waits for the disk.
fn waits_for_disk(db: &Connection) -> rusqlite::Result<bool> {
    db.pragma_query_value(None, "synchronous", |row| row.get::<_, u32>(0)).map(|level| level == 2)
}

#[tokio::test]
async fn durable_commit_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("stagedoor.db")).await.unwrap();
    assert!(
        store.write_bookkeeping(NOW, waits_for_disk).await.unwrap(),
        "the first of a new store"
    );
    assert!(!store.write_bookkeeping(NOW, waits_for_disk).await.unwrap());
    assert!(store.persist(waits_for_disk).await.unwrap());
    assert!(!store.write_bookkeeping(NOW, waits_for_disk).await.unwrap());
    let calls = [Durability::Read, Durability::Bookkeeping(NOW), Durability::Durable];
    // Each is made once the writer is blocked.
    let calls = calls.iter().map(|durability| store.writer.call(*durability, waits_for_disk));
    for waits in in_one_batch(&store, calls).await {
        assert!(waits.unwrap(), "they share a commit");
    }
}

#[tokio::test]
async fn bookkeeping_is_synced_soon_and_on_close() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let later = |secs| NOW + Duration::from_secs(secs);
    for at in [NOW, later(1)] {
        store.write_bookkeeping(at, |_| Ok(())).await.unwrap();
    }
    assert_eq!(store.read(synced::read).await.unwrap(), Some(NOW), "only the first was waited for");
    while store.read(synced::read).await.unwrap() != Some(later(1)) {}
    store.write_bookkeeping(later(2), |_| Ok(())).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.writer.lost_after().get(), Some(later(2)));
}

#[tokio::test]
async fn access_token_restores_a_lost_start() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let store = SqliteStore::open(&at("stagedoor.db")).await.unwrap();
    store.admit(start("on disk", AuthMethod::Guest, 1)).await.unwrap().unwrap();
    // The machine loses everything written after this copy.
    for end in ["", "-wal"] {
        let with = |name: &str| at(&format!("{name}{end}"));
        fs::copy(with("stagedoor.db"), with("copy.db")).unwrap();
    }
    let after = NOW + Duration::from_millis(500);
    let lost = Admission { now: after, ..start("lost", AuthMethod::Guest, 2) };
    store.admit(lost).await.unwrap().unwrap();

    let store = SqliteStore::open(&at("copy.db")).await.unwrap();
    let by_token = |name, bits, issued| {
        let authenticated = NOW;
        let family = family(bits);
        let position = TokenPosition { serial: 1, previous: 0 };
        let method =
            AuthMethod::AccessToken { family, guest: true, authenticated, issued, position };
        Admission { now: NOW + Duration::from_mins(1), ..start(name, method, 9) }
    };
    for (name, bits, issued, expected) in [
        ("lost", 3, NOW, Some(Refusal::Revoked)),
        ("lost", 2, after, None),
        ("lost", 2, NOW, None),
        ("lost", 3, after, Some(Refusal::Revoked)),
        ("on disk", 1, NOW, None),
    ] {
        let answer = store.admit(by_token(name, bits, issued)).await.unwrap();
        assert_eq!(answer.err(), expected, "{name}, family {bits}");
    }
    store.prune_guests(after).await.unwrap();
    let removed = store.admit(by_token("removed", 4, after)).await.unwrap();
    assert_eq!(removed, Err(Refusal::Revoked), "who is not known any more was not lost");
}
