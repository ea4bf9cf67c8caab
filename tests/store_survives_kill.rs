//! What the store acknowledged is there after `kill -9` in the middle of writing.
//!
//! The test runs its own program again as the one to be killed: an argument says so, and where to write.

#![expect(clippy::unwrap_used, reason = "a step that cannot be made fails the test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use stagedoor::blocks::BlockSetter;
use stagedoor::grant::Grant;
use stagedoor::store::{
    Admission, AuthMethod, Block, BlockKind, CredentialSource, FamilyGrant, Journal, Profile,
    Refusal, SqliteStore, Store as _, TokenPosition, UserKey,
};
use stagedoor_proto::{FamilyId, Timestamp};

/// What precedes the file's path in the arguments of the program to be killed.
const BLOCKS_ARGUMENT: &str = "blocks-into=";
const STARTS_ARGUMENT: &str = "starts-into=";

/// Precedes each acknowledged name; the test harness writes to the same output.
const ACKNOWLEDGED: &str = "acknowledged ";

/// How many names are waited for before the kill.
const ENOUGH: usize = 500;

/// The family of every start.
const FAMILY: FamilyId = FamilyId::from_bits(1);

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

#[tokio::test]
async fn acknowledged_blocks_survive_sigkill() {
    if let Some(path) = file_to_write(BLOCKS_ARGUMENT) {
        return write_until_killed(&path, block).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let test = "acknowledged_blocks_survive_sigkill";
    let acknowledged = names_acknowledged_until_killed(test, BLOCKS_ARGUMENT, &path);
    assert!(acknowledged.len() >= ENOUGH, "only {}", acknowledged.len());

    let store = SqliteStore::open(&path).await.unwrap();
    for name in acknowledged {
        let answer = store.admit(start(&name, AuthMethod::Guest)).await.unwrap();
        assert!(matches!(answer, Err(Refusal::Blocked(_))), "{name}: {answer:?}");
    }
    store.admit(start("not blocked", AuthMethod::Guest)).await.unwrap().unwrap();
}

/// Starts are bookkeeping: they do not wait for the disk, and a process that is killed loses none all the same.
#[tokio::test]
async fn acknowledged_starts_survive_sigkill() {
    if let Some(path) = file_to_write(STARTS_ARGUMENT) {
        return write_until_killed(&path, admit).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let test = "acknowledged_starts_survive_sigkill";
    let acknowledged = names_acknowledged_until_killed(test, STARTS_ARGUMENT, &path);
    assert!(acknowledged.len() >= ENOUGH, "only {}", acknowledged.len());

    let store = SqliteStore::open(&path).await.unwrap();
    // Minted before anything was written: the store has to know the family.
    let issued = Timestamp::default();
    let position = TokenPosition { serial: 1, previous: 0 };
    let method = AuthMethod::AccessToken {
        family: FAMILY,
        guest: true,
        authenticated: NOW,
        issued,
        position,
    };
    for name in acknowledged {
        let answer = store.admit(start(&name, method)).await.unwrap();
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
    assert_eq!(store.admit(start("never started", method)).await.unwrap(), Err(Refusal::Revoked));
}

/// The file that an argument of this program names, if it is the one to be killed.
fn file_to_write(argument: &str) -> Option<PathBuf> {
    std::env::args().find_map(|arg| arg.strip_prefix(argument).map(PathBuf::from))
}

/// Runs this test of the program, kills it while it writes, and returns what it printed until then.
fn names_acknowledged_until_killed(test: &str, argument: &str, path: &Path) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .arg(format!("{argument}{}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut names = Vec::new();
    let mut line = String::new();
    // A line the kill cut short has no end, and is not an acknowledgement.
    while output.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        if let Some((_, name)) = line.trim_end().split_once(ACKNOWLEDGED) {
            names.push(name.to_owned());
            if names.len() == ENOUGH {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    assert!(!child.wait().unwrap().success(), "it was killed");
    names
}

/// Calls `write` with one name after the other, many at a time, and prints each once the store has answered.
async fn write_until_killed(path: &Path, write: impl AsyncFn(&SqliteStore, &str)) {
    let store = SqliteStore::open(path).await.unwrap();
    let (store, write) = (&store, &write);
    let write_one = |n: usize| async move {
        let name = format!("user {n}");
        write(store, &name).await;
        name
    };
    let mut waiting: FuturesUnordered<_> = (0..32).map(write_one).collect();
    let mut next = 32;
    while let Some(name) = waiting.next().await {
        writeln!(std::io::stdout(), "{ACKNOWLEDGED}{name}")
            .expect("the one that kills is listening");
        waiting.push(write_one(next));
        next += 1;
    }
}

async fn block(store: &SqliteStore, name: &str) {
    let block = Block {
        kind: BlockKind::Ban,
        set_by: BlockSetter::Ban,
        reason: None,
        since: NOW,
        until: None,
    };
    store.block(user(name), block, None, false, Journal::default()).await.unwrap();
}

async fn admit(store: &SqliteStore, name: &str) {
    store.admit(start(name, AuthMethod::Guest)).await.unwrap().unwrap();
}

fn user(name: &str) -> UserKey {
    UserKey { app: "app".into(), username: name.parse().unwrap() }
}

fn start(name: &str, method: AuthMethod) -> Admission {
    Admission {
        user: user(name),
        instance: "instance-a".parse().unwrap(),
        address: "192.0.2.1".parse().unwrap(),
        method,
        profile: Profile::default(),
        granted: FamilyGrant {
            grant: Grant::default(),
            source: CredentialSource::Hook,
            authenticated: NOW,
            token_issued: None,
            expires: Timestamp::MAX,
        },
        new_family: FAMILY,
        names: None,
        instances: None,
        max_guests: usize::MAX,
        generation: 0,
        revocation_leeway: std::time::Duration::from_secs(1),
        now: NOW,
    }
}
