//! Two gateways that share all state but their sockets.

use std::sync::Arc;
use std::time::Duration;

use stagedoor::clock::Clock;
use stagedoor::config::Config;
use stagedoor::engine::MemoryCluster;
use stagedoor::store::{SqliteStore, Store};
use stagedoor_proto::Timestamp;

use crate::common::{Gateway, Setup};

/// Two nodes of one gateway, with one paused clock.
pub struct Nodes {
    pub one: Gateway,
    pub other: Gateway,
}

impl Nodes {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Two nodes with the default configuration and `change`.
    pub async fn with(change: impl Fn(&mut Config)) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_900_000_000));
        let cluster = MemoryCluster::new(clock.clone());
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().await.unwrap());
        let node = |name: &str| {
            let mut setup = Setup::new().clock(clock.clone()).with(&change);
            setup.joined = Some((Arc::clone(&store), cluster.node(name)));
            setup.run()
        };
        Self { one: node("one").await, other: node("other").await }
    }

    /// The sessions of a user on both nodes that have not ended.
    pub fn live(&self, username: &str) -> usize {
        let of_user = |gateway: &Gateway| {
            let sessions = gateway.hub().sessions.list("demo");
            sessions.iter().filter(|session| session.user().username.as_str() == username).count()
        };
        of_user(&self.one) + of_user(&self.other)
    }
}

impl Nodes {
    /// Waits until a user has this number of sessions that have not ended, with a long timeout.
    pub async fn until_live(&self, username: &str, count: usize) {
        let waited = async {
            while self.live(username) != count {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waited).await;
        assert!(waited.is_ok(), "{username} has {} live sessions", self.live(username));
    }
}
