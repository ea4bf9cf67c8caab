//! What the store acknowledged is there after `kill -9` in the middle of writing.
//!
//! The test runs its own program again as the one to be killed: the argument [`FILE_ARGUMENT`] says so.

#![expect(clippy::unwrap_used, reason = "a step that cannot be made fails the test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use stagedoor::store::{
    Admission, AuthMethod, Block, BlockKind, Journal, Profile, Refusal, SqliteStore, Store as _,
    UserKey,
};
use stagedoor_proto::{FamilyId, Timestamp};

/// What precedes the file's path in the arguments of the program to be killed.
const FILE_ARGUMENT: &str = "blocks-into=";

/// Precedes each acknowledged name; the test harness writes to the same output.
const ACKNOWLEDGED: &str = "acknowledged ";

/// How many names are waited for before the kill.
const ENOUGH: usize = 500;

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

#[tokio::test]
async fn acknowledged_blocks_survive_sigkill() {
    if let Some(path) =
        std::env::args().find_map(|arg| arg.strip_prefix(FILE_ARGUMENT).map(String::from))
    {
        return block_until_killed(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stagedoor.db");
    let acknowledged = names_acknowledged_until_killed(&path);
    assert!(acknowledged.len() >= ENOUGH, "only {}", acknowledged.len());

    let store = SqliteStore::open(&path).await.unwrap();
    for name in acknowledged {
        let answer = store.admit(guest(&name)).await.unwrap();
        assert!(matches!(answer, Err(Refusal::Blocked(_))), "{name}: {answer:?}");
    }
    store.admit(guest("not blocked")).await.unwrap().unwrap();
}

/// Runs the program, kills it while it writes, and returns what it printed until then.
fn names_acknowledged_until_killed(path: &Path) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "acknowledged_blocks_survive_sigkill", "--nocapture"])
        .arg(format!("{FILE_ARGUMENT}{}", path.display()))
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

/// Blocks one name after the other, many at a time, and prints each once it is on disk.
async fn block_until_killed(path: &Path) {
    let store = SqliteStore::open(path).await.unwrap();
    let store = &store;
    let block = |n: usize| async move {
        let name = format!("user {n}");
        let block = Block { kind: BlockKind::Ban, reason: None, since: NOW, until: None };
        store.block(user(&name), block, false, Journal::default()).await.unwrap();
        name
    };
    let mut waiting: FuturesUnordered<_> = (0..32).map(block).collect();
    let mut next = 32;
    while let Some(name) = waiting.next().await {
        writeln!(std::io::stdout(), "{ACKNOWLEDGED}{name}")
            .expect("the one that kills is listening");
        waiting.push(block(next));
        next += 1;
    }
}

fn user(name: &str) -> UserKey {
    UserKey { app: "app".into(), username: name.parse().unwrap() }
}

fn guest(name: &str) -> Admission {
    Admission {
        user: user(name),
        instance: "instance-a".parse().unwrap(),
        address: "192.0.2.1".parse().unwrap(),
        method: AuthMethod::Guest,
        profile: Profile::default(),
        new_family: FamilyId::from_bits(1),
        generation: 0,
        now: NOW,
    }
}
