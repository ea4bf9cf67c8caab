//! A data directory, and the gateways that follow each other on it.

use std::path::PathBuf;

use rusqlite::Connection;
use stagedoor::config::Config;
use stagedoor::server::Stopped;
use tempfile::TempDir;

use super::{Gateway, Setup};

pub struct House {
    data: TempDir,
}

impl House {
    pub fn new() -> Self {
        Self { data: TempDir::new().unwrap() }
    }

    /// What a gateway here is to be like.
    pub fn setup(&self) -> Setup {
        Setup::new().data(self.data.path())
    }

    pub async fn open(&self) -> Gateway {
        self.setup().run().await
    }

    /// Stops the gateway and starts the next.
    pub async fn reopen(&self, gateway: Gateway) -> Gateway {
        self.reopen_with(gateway, |_| ()).await
    }

    /// The same, the next with another configuration.
    pub async fn reopen_with(&self, gateway: Gateway, change: impl FnOnce(&mut Config)) -> Gateway {
        let clock = gateway.clock().clone();
        assert_eq!(gateway.stop().await, Stopped::Cleanly);
        self.setup().with(change).clock(clock).run().await
    }

    /// The store's file, while no gateway has it open.
    pub fn database(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }

    pub fn file(&self) -> PathBuf {
        self.data.path().join("stagedoor.db")
    }
}
