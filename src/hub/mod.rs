//! Who is here: the live sessions of this node, and what is done with them.
//!
//! Owns the concurrent maps of sessions (`directory`, by user and instance; and by id), and the flows that start,
//! resume, renew and end them. Each session is behind a lock of its own, held for a few instructions.
//! Invariant: of the sessions of one client instance, at most one is held; an older one's end never removes a newer.
//! Not here: sockets (`transport`), the decisions themselves (`auth`, `store`, `session`).

mod app;
mod commands;
mod directory;
mod drain;
mod handle;
mod limits;
mod refusal;
mod registry;
mod resume;
mod start;
mod sweep;
mod users;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Heartbeat, ServerInfo, SessionLimits};

pub use app::App;
pub use handle::{Arrival, SessionHandle, Written};
pub use limits::{NoPlace, Place};
pub use refusal::Refused;
pub use resume::Resumption;
pub use start::Established;

use crate::auth::token::AccessTokens;
use crate::clock::{Clock, Rng};
use crate::config::{Config, Keepalive};
use crate::lifecycle::Lifecycle;
use crate::session::{LifetimeSettings, Rate, RingLimits, SessionSettings};
use crate::store::Store;
use directory::Directory;
use limits::Addresses;
use registry::Registry;

/// How long a protected session has to show life when another one wants its place.
const PROOF_OF_LIFE: Duration = Duration::from_secs(3);

/// The live sessions of this node. Shared by reference; every method may be called from any task.
pub struct Hub {
    apps: HashMap<Arc<str>, Arc<App>>,
    directory: Directory,
    registry: Registry,
    addresses: Addresses,
    store: Arc<dyn Store>,
    access: Arc<AccessTokens>,
    lifecycle: Lifecycle,
    clock: Clock,
    rng: Rng,
    node: String,
    session: SessionSettings,
    keepalive: Keepalive,
    limits: SessionLimits,
    max_sessions: usize,
}

impl Hub {
    /// A hub without sessions.
    #[must_use]
    pub fn new(
        config: &Config,
        apps: Vec<Arc<App>>,
        store: Arc<dyn Store>,
        access: Arc<AccessTokens>,
        lifecycle: Lifecycle,
        clock: Clock,
    ) -> Self {
        let (limits, resume) = (&config.limits, config.resume);
        Self {
            apps: apps.into_iter().map(|app| (Arc::clone(app.id()), app)).collect(),
            directory: Directory::default(),
            registry: Registry::default(),
            addresses: Addresses::new(limits),
            store,
            access,
            lifecycle,
            node: format!("node-{:08x}", u32::from_be_bytes(Rng.bytes())),
            clock,
            rng: Rng,
            session: SessionSettings {
                ring: RingLimits { frames: resume.ring_frames, bytes: resume.ring_bytes },
                window: resume.window,
                lifetime: LifetimeSettings {
                    grace: config.session.expiry_grace,
                    postpone: config.session.postpone,
                },
                commands: Rate { per_second: limits.commands_per_s, burst: limits.commands_burst },
                in_flight: usize::from(limits.in_flight),
            },
            keepalive: config.keepalive,
            limits: limits.announced(),
            max_sessions: limits.sessions_per_node,
        }
    }

    /// The app of this id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Arc<App>> {
        self.apps.get(id)
    }

    /// The durable facts behind it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock it goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many sessions it holds, suspended and just ended ones included.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.registry.len()
    }

    /// Counts a start from `address`. Resumes are none.
    ///
    /// # Errors
    /// What the client is told when there were too many.
    pub fn take_start(&self, address: IpAddr) -> Result<(), Refused> {
        self.addresses.take_start(address, self.clock.now())
    }

    /// A place for a connection that is not a session yet.
    ///
    /// # Errors
    /// When there are as many as may be.
    pub fn enter(&self, address: IpAddr) -> Result<Place, NoPlace> {
        self.addresses.enter(address)
    }

    fn heartbeat(&self) -> Heartbeat {
        self.keepalive.announced()
    }

    fn server_info(&self) -> ServerInfo {
        ServerInfo {
            node: self.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time_ms: self.clock.now(),
        }
    }
}
