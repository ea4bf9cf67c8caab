//! The state that all owners of the hub share and none changes: clock, store, metrics, settings, apps.
//!
//! A reload may change limits and settings of apps. Each is one snapshot that is replaced as a
//! whole; a decision uses one snapshot, so that it never sees half of a change. Values that a session or a room
//! started with, such as announced limits or the size of a room, are fixed until it ends.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use stagedoor_proto::{CloseCode, Error, ErrorCode, ServerInfo};
use tracing::Instrument as _;

use super::app::App;
use super::errors::StartError;
use crate::clock::{Clock, Rng};
use crate::config::{Config, GuestNames, Keepalive, Limits, MembershipExpiry};
use crate::engine::Answer;
use crate::lifecycle::Lifecycle;
use crate::rate_limit::{AmountRate, Rate};
use crate::request::RequestId;
use crate::room::RoomSettings;
use crate::session::{ExpirySettings, ReplayMemory, RequestLimits, RingLimits, SessionSettings};
use crate::store::Store;
use crate::telemetry::{Limit, Metrics, UserHash};

/// Minimum wait of a client without a session before a retry while the gateway drains.
const DRAIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// When a command that adds a moderation record may be tried again: by then some may have expired.
const RECORDS_FULL_RETRY_AFTER: Duration = Duration::from_mins(1);

/// Shared by reference by all owners. It uses none of them.
pub(super) struct Context {
    pub(super) apps: HashMap<Arc<str>, Arc<App>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) lifecycle: Lifecycle,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    /// Hashes user names for the log.
    pub(super) users: UserHash,
    pub(super) session: Arc<SessionSettings>,
    /// Maximum memory of all replay buffers.
    pub(super) ring_bytes_total: usize,
    pub(super) keepalive: Keepalive,
    node: String,
    limits: ArcSwap<Limits>,
}

impl Context {
    pub(super) fn new(
        config: &Config,
        apps: Vec<Arc<App>>,
        session: Arc<SessionSettings>,
        store: Arc<dyn Store>,
        lifecycle: Lifecycle,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        Self {
            apps: apps.into_iter().map(|app| (Arc::clone(app.id()), app)).collect(),
            store,
            lifecycle,
            metrics,
            clock,
            rng: Rng,
            users: UserHash::new(&Rng.bytes()),
            session,
            ring_bytes_total: config.resume.ring_bytes_total,
            keepalive: config.keepalive,
            node: format!("node-{:08x}", u32::from_be_bytes(Rng.bytes())),
            limits: ArcSwap::from_pointee(config.limits.clone()),
        }
    }

    pub(super) fn app(&self, id: &str) -> Option<&Arc<App>> {
        self.apps.get(id)
    }

    pub(super) fn limits(&self) -> arc_swap::Guard<Arc<Limits>> {
        self.limits.load()
    }

    pub(super) fn reload_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }

    pub(super) fn request_limits(&self) -> RequestLimits {
        let limits = self.limits();
        RequestLimits {
            commands: Rate::per_second(limits.commands_per_s, limits.commands_burst),
            keepalives: Rate::per_second(limits.pings_per_s, limits.pings_burst),
            in_flight: usize::from(limits.requests_in_flight),
        }
    }

    pub(super) fn join_rate(&self) -> Rate {
        let per_second = self.limits().joins_per_s;
        Rate::per_second(per_second, per_second)
    }

    pub(super) fn resume_window_ms(&self) -> u64 {
        u64::try_from(self.session.window.as_millis()).unwrap_or(u64::MAX)
    }

    /// The rate of resumes of one session.
    pub(super) fn resume_rate(&self) -> Rate {
        let limits = self.limits();
        Rate::per_second(limits.resumes_per_s, limits.resumes_burst)
    }

    /// The rate of resumes of one session after which its rooms are sent as a whole.
    pub(super) fn reset_rate(&self) -> Rate {
        let limits = self.limits();
        Rate::every(limits.roster_interval, limits.resumes_burst)
    }

    pub(super) fn room_opening_rate(&self) -> Rate {
        let per_minute = self.limits().rooms_opened_per_minute;
        Rate::every(Duration::from_mins(1) / per_minute.max(1), per_minute)
    }

    /// The rate of bytes that relays and direct signals send to one session.
    pub(super) fn relay_rate(&self) -> AmountRate {
        let limits = self.limits();
        let burst = limits.relay_bytes_burst_per_receiver as u64;
        AmountRate::new(limits.relay_bytes_per_s_per_receiver as u64, burst)
    }

    /// The settings of an app's rooms: those of the app, within the limits of all apps.
    pub(super) fn room_settings(&self, app: &App) -> RoomSettings {
        let (rules, limits) = (app.rules(), self.limits());
        RoomSettings {
            participants: limits.participants_per_room,
            streams_per_participant: u32::from(limits.streams_per_participant),
            streams: limits.streams_per_room,
            signals_per_s: limits.signals_per_s_per_room,
            moderator_signals_per_s: limits.moderator_signals_per_s_per_room,
            signal_bytes_per_s: limits.signal_bytes_per_s_per_room as u64,
            roster_interval: limits.roster_interval,
            message_bytes: u32::try_from(limits.message_out_bytes).unwrap_or(u32::MAX),
            roster_limit: rules.roster_limit,
            subscriber_signals: rules.subscriber_signals,
            default_block_duration: rules.default_block_duration,
            max_block_duration: rules.max_block_duration,
            revocation_leeway: rules.revocation_leeway,
            expiry: match rules.membership_expiry {
                MembershipExpiry::Keep => crate::room::Expiry::Keep,
                MembershipExpiry::Enforce => crate::room::Expiry::Enforce,
            },
            shared_guest_names: rules.guest_names == GuestNames::Shared,
        }
    }

    /// The description of this node that a client gets when its session starts.
    pub(super) fn server_info(&self) -> ServerInfo {
        ServerInfo {
            node: self.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time_ms: self.clock.wall(),
        }
    }

    /// Counts a limit that was hit.
    pub(super) fn hit(&self, limit: Limit) {
        self.metrics.limits_hit.inc(limit);
    }

    /// Rejects a client without a session while the gateway drains.
    pub(super) fn draining_error(&self) -> StartError {
        StartError::new(CloseCode::Draining, "node is draining; retry")
            .retry_after(DRAIN_RETRY_AFTER + Duration::from_millis(self.rng.below(1_000)))
    }

    /// Runs an engine call in the background; its result is only logged.
    pub(super) fn run_detached<T: Send + 'static>(&self, answer: Answer<T>) {
        if let Err(later) = answer.now_or_later() {
            self.lifecycle.spawn(async move { drop(later.await) });
        }
    }

    /// Spawns work that a request caused; its log lines have the id of the request.
    pub(super) fn spawn_request(
        &self,
        request: &RequestId,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let span = tracing::error_span!("request", %request);
        self.lifecycle.spawn(task.instrument(span));
    }
}

/// Checks that the store may hold more moderation records of an app. A tenth of the limit is reserved for the server.
///
/// # Errors
/// `overloaded`.
pub(super) fn check_records(context: &Context, app: &str, by_server: bool) -> Result<(), Error> {
    let max = context.limits().moderation_records_per_app;
    let reserved = if by_server { 0 } else { max / 10 };
    if context.store.sizes(app).moderation_records() < max - reserved {
        return Ok(());
    }
    context.hit(Limit::ModerationRecordsPerApp);
    let message = "the app has as many stored blocks, mutes and roles as it can have";
    Err(Error::new(ErrorCode::Overloaded, message).retry_after(RECORDS_FULL_RETRY_AFTER))
}

/// The settings of all sessions, restored ones included: they share one count of memory.
#[must_use]
pub fn session_settings(config: &Config) -> Arc<SessionSettings> {
    let resume = config.resume;
    Arc::new(SessionSettings {
        memory: ReplayMemory::default(),
        ring: RingLimits { frames: resume.ring_frames, bytes: resume.ring_bytes },
        window: resume.window,
        going_away_window: resume.going_away_window.min(resume.window),
        expiry: ExpirySettings {
            grace: config.session.expiry_grace,
            renewal_postponement: config.session.renewal_postponement,
        },
    })
}
