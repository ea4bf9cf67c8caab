//! The metrics of one gateway, and the one table of their names.
//!
//! [`Metrics`] is made anew for each gateway: there is no global recorder, and several gateways run in one test process.
//! The table in this file is the only list: the fields, the registration, `docs/operations.md` and the tests of the
//! dashboard and the alerts follow it. Invariant: how many series there are does not depend on how many users, rooms or
//! sessions there are. Not here: when something is counted, which is where it happens.

mod instrument;
mod label;
mod striped;
#[cfg(test)]
mod tests;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Registry, Unit};

use instrument::{Build, BusyCounter, Instrument};
pub use instrument::{Counter, Counters, Depths, Gauge, Gauges, HookSeconds, Kind, Seconds};
pub use label::{
    AttemptOutcome, Close, EndpointState, HookOutcome, Label, Limit, MessageState, Outcome,
    Standing, StoreFailure, TargetOutcome,
};

/// What every name begins with.
const PREFIX: &str = "stagedoor";

/// A line of the table of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The whole name, its unit included, without what its samples add.
    pub name: &'static str,
    /// What kind of samples it has.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells, without a full stop.
    pub help: &'static str,
}

impl Row {
    /// The names of its samples.
    pub fn samples(&self) -> impl Iterator<Item = String> {
        self.kind.suffixes().iter().map(|suffix| format!("{}{suffix}", self.name))
    }
}

/// The struct, its registration and [`TABLE`], from one line a metric: what it tells, `field: type = "name" in "unit"`.
macro_rules! table {
    ($(#[doc = $help:literal] $field:ident: $type:ty = $name:literal $(in $unit:literal)?;)*) => {
        /// Every metric of a gateway. Cheap to count in from anywhere; told by [`Metrics::encode`].
        pub struct Metrics {
            $(#[doc = $help] pub $field: $type,)*
            registry: Registry,
        }

        impl Metrics {
            /// Metrics of which nothing was counted yet.
            #[must_use]
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix(PREFIX);
                $(
                    let $field = <$type>::default();
                    let unit = None::<&str>$(.or(Some($unit)))?;
                    register(&mut registry, $name, $help, unit, $field.clone());
                )*
                Self { $($field,)* registry }
            }
        }

        /// Every metric, in the order in which they are told.
        pub const TABLE: &[Row] = &[$(Row {
            name: concat!("stagedoor_", $name $(, "_", $unit)?),
            kind: <$type as Instrument>::KIND,
            labels: <$type as Instrument>::LABELS,
            help: $help.trim_ascii(),
        },)*];
    };
}

table! {
    // Sessions.
    /// Sessions that have not ended, by state and by whether they have a connection
    sessions: Gauges<Standing> = "sessions";
    /// Starts, by whether they succeeded or with which reason they were refused
    starts: Counters<Outcome> = "starts";
    /// From a start's arrival to its answer, auth hook and store included
    start_duration: Seconds = "start_duration" in "seconds";
    /// Resumes, by whether they succeeded or with which reason they were refused
    resumes: Counters<Outcome> = "resumes";
    /// Frames that resumed sessions were sent again or late
    replayed_frames: Counter = "replayed" in "frames";
    /// Rooms told anew to a session that could not be told all that had happened in them
    room_resets: Counter = "room_resets";
    /// Ends of sessions, by close code
    sessions_ended: Counters<Close> = "sessions_ended";
    /// Ended sessions that no list will show, because more ended at once than could be kept
    sessions_unrecorded: Counter = "sessions_unrecorded";

    // Connections.
    /// Connections that are not a session's yet
    waiting_connections: Gauge = "waiting_connections";
    /// Connections that could not be accepted, mostly for want of open files
    accept_failures: Counter = "accept_failures";
    /// Ends of connections, by close code; `none` where the gateway said nothing
    closes: Counters<Close> = "closes";
    /// Connections closed because their client did not read what waited for it
    slow_readers: Counter = "slow_readers";
    /// Frames from clients, control frames included
    received_frames: BusyCounter = "received" in "frames";
    /// Bytes from clients after the upgrade
    received_bytes: BusyCounter = "received" in "bytes";
    /// Frames to clients, answers to their pings aside
    sent_frames: BusyCounter = "sent" in "frames";
    /// Bytes to clients after the upgrade
    sent_bytes: BusyCounter = "sent" in "bytes";
    /// Frames that wait to be written, of a sample of sessions at each scrape
    ring_unsent: Depths = "ring_unsent" in "frames";
    /// Bounds that were hit, by their key in the configuration
    limits_hit: Counters<Limit> = "limits_hit";

    // Who comes in.
    /// Decisions of auth hooks, by hook and outcome
    auth_hook_duration: HookSeconds = "auth_hook_duration" in "seconds";

    // Rooms and moderation.
    /// Rooms that are open
    rooms: Gauge = "rooms";
    /// From a moderation verb until it was enforced at its last target, or had been ignored there
    moderation_duration: Seconds = "moderation_duration" in "seconds";
    /// Targets of moderation verbs, by what became of them in the end
    moderation_targets: Counters<TargetOutcome> = "moderation_targets";
    /// Moderation verbs refused because whoever tried may not
    moderation_denied: Counter = "moderation_denied";

    // The store.
    /// Whether the store's last call was served
    store_up: Gauge = "store_up";
    /// Calls of the store, from being queued to being answered
    store_call_duration: Seconds = "store_call_duration" in "seconds";
    /// Calls that the store failed, by reason
    store_failures: Counters<StoreFailure> = "store_failures";

    // Webhooks.
    /// Endpoints that are told of events, by how they fare
    webhook_endpoints: Gauges<EndpointState> = "webhook_endpoints";
    /// Attempts to tell an endpoint something, by what came of them
    webhook_attempts: Counters<AttemptOutcome> = "webhook_attempts";
    /// Attempts to tell an endpoint something, from the call to the end of its answer
    webhook_attempt_duration: Seconds = "webhook_attempt_duration" in "seconds";
    /// Messages for endpoints, by whether they are still tried
    webhook_messages: Gauges<MessageState> = "webhook_messages";
    /// For how long the message is tried that is tried for longest
    webhook_oldest_pending: Gauge = "webhook_oldest_pending" in "seconds";
    /// Messages that became dead letters
    webhook_given_up: Counter = "webhook_given_up" in "messages";
    /// Messages dropped for want of room, or because the store did not take them
    webhook_dropped: Counter = "webhook_dropped" in "messages";

    // The process.
    /// Whether the gateway is being stopped
    draining: Gauge = "draining";
    /// The gateway's version
    build: Build = "build";
}

impl Metrics {
    /// The media type of [`Metrics::encode`].
    pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// All of them, as text. Source: `OpenMetrics` 1.0.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .unwrap_or_else(|std::fmt::Error| unreachable!("a text takes what is written to it"));
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn register(
    registry: &mut Registry,
    name: &str,
    help: &str,
    unit: Option<&str>,
    metric: impl Instrument,
) {
    let help = help.trim_ascii(); // The registry adds the full stop.
    match unit {
        Some(unit) => {
            registry.register_with_unit(name, help, Unit::Other(unit.to_owned()), metric);
        }
        None => registry.register(name, help, metric),
    }
}
