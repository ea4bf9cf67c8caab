//! Who is here: the live sessions of this node, and what is done with them.
//!
//! Owns the concurrent map of sessions (by id; which one holds an instance, the engine knows), and the flows that start,
//! resume, renew and end them. Each session is behind a lock of its own, held for a few instructions.
//! Invariant: of the sessions of one client instance, at most one is held; an older one's end never removes a newer.
//! Not here: sockets (`transport`), the decisions themselves (`auth`, `store`, `session`).

mod accounts;
mod app;
mod errors;
mod events;
mod handoff;
mod metrics;
mod pending_calls;
mod reload;
mod requests;
mod rooms;
mod server_api;
mod sessions;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use stagedoor_proto::{Heartbeat, ServerInfo};

pub use accounts::{Established, Resumption};
pub use app::App;
pub use errors::Refused;
pub use handoff::{Inheritance, Unreadable};
pub use pending_calls::{CallError, Moderated};
pub use server_api::ShownRoom;
pub use sessions::{Arrival, NoPlace, Place, SessionHandle, Written};

use crate::auth::token::AccessTokens;
use crate::clock::{Clock, Rng};
use crate::config::{Config, Keepalive, Limits};
use crate::engine::{Engine, NodeHandler};
use crate::lifecycle::Lifecycle;
use crate::session::{LifetimeSettings, RingLimits, SessionSettings};
use crate::store::Store;
use crate::telemetry::{Limit, Metrics, UserHash};
use pending_calls::Calls;
use rooms::{Denials, Rooms};
use sessions::{Addresses, History, Registry};

/// How long a protected session has to show life when another one wants its place.
const PROOF_OF_LIFE: Duration = Duration::from_secs(3);

/// The live sessions of this node. Shared by reference; every method may be called from any task.
pub struct Hub {
    apps: HashMap<Arc<str>, Arc<App>>,
    /// Moved when guests of other names may have become unwelcome: a start that began before asks the store again.
    guest_fence: AtomicU64,
    registry: Registry,
    addresses: Addresses,
    rooms: Rooms,
    denials: Denials,
    calls: Calls,
    history: History,
    engine: Arc<dyn Engine>,
    store: Arc<dyn Store>,
    access: Arc<AccessTokens>,
    lifecycle: Lifecycle,
    metrics: Arc<Metrics>,
    /// How users appear in the log.
    users: UserHash,
    /// How many connections there have been.
    connections: AtomicU64,
    /// Whether any app has somebody who is told of what happens now.
    has_webhooks: AtomicBool,
    clock: Clock,
    rng: Rng,
    node: String,
    session: SessionSettings,
    keepalive: Keepalive,
    limits: ArcSwap<Limits>,
    /// Itself, for what it leaves to tasks.
    me: Weak<Self>,
}

impl Hub {
    /// A hub without sessions, which takes the entries of rooms' logs from `engine`.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "the composition root gives it every part")]
    pub fn new(
        config: &Config,
        apps: Vec<Arc<App>>,
        store: Arc<dyn Store>,
        engine: Arc<dyn Engine>,
        access: Arc<AccessTokens>,
        lifecycle: Lifecycle,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Arc<Self> {
        let hub = Arc::new_cyclic(|me| Self {
            has_webhooks: AtomicBool::new(false),
            apps: apps.into_iter().map(|app| (Arc::clone(app.id()), app)).collect(),
            guest_fence: AtomicU64::new(0),
            registry: Registry::new(Arc::clone(&metrics)),
            addresses: Addresses::default(),
            rooms: Rooms::default(),
            denials: Denials::default(),
            calls: Calls::new(u64::from_be_bytes(Rng.bytes())),
            history: History::default(),
            engine,
            store,
            access,
            lifecycle,
            metrics,
            users: UserHash::new(&Rng.bytes()),
            connections: AtomicU64::new(0),
            node: format!("node-{:08x}", u32::from_be_bytes(Rng.bytes())),
            clock,
            rng: Rng,
            session: session_settings(config),
            keepalive: config.keepalive,
            limits: ArcSwap::from_pointee(config.limits.clone()),
            me: Weak::clone(me),
        });
        hub.note_webhooks();
        let handler: Weak<dyn NodeHandler> = Arc::downgrade(&hub) as _;
        hub.engine.attach(handler, &hub.lifecycle);
        hub
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

    /// How many sessions it holds, suspended ones included; what ended and is only remembered is not counted.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.registry.living()
    }

    /// Counts a start from `address`. Resumes are none.
    ///
    /// # Errors
    /// What the client is told when there were too many.
    pub fn take_start(&self, address: IpAddr) -> Result<(), Refused> {
        let taken = self.addresses.take_start(address, self.clock.now(), &self.limits());
        taken.inspect_err(|_| self.hit(Limit::StartsPerAddress))
    }

    /// A place for a connection that is not a session yet.
    ///
    /// # Errors
    /// When there are as many as may be.
    pub fn enter(&self, address: IpAddr) -> Result<Place, NoPlace> {
        self.addresses.enter(address, &self.limits()).inspect_err(|no_place| match no_place {
            NoPlace::Address(_) => self.hit(Limit::UnauthenticatedPerAddress),
            NoPlace::Total(_) => self.hit(Limit::UnauthenticatedTotal),
        })
    }

    /// A place for a connection to the server API's own port.
    ///
    /// # Errors
    /// When there are as many as may be.
    pub fn enter_admin(&self, address: IpAddr) -> Result<Place, NoPlace> {
        let place = self.addresses.enter_admin(address, &self.limits());
        place.inspect_err(|_| self.hit(Limit::AdminConnections))
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

fn session_settings(config: &Config) -> SessionSettings {
    let resume = config.resume;
    SessionSettings {
        ring: RingLimits { frames: resume.ring_frames, bytes: resume.ring_bytes },
        window: resume.window,
        lifetime: LifetimeSettings {
            grace: config.session.expiry_grace,
            postpone: config.session.postpone,
        },
    }
}
