//! The metrics of one gateway, and the table that defines them.
//!
//! There is no global recorder: several gateways can run in one process. The table in this file is the only list; the
//! fields, the registration, `docs/operations.md` and the tests of the dashboard and the alerts follow it.
//! Invariant: the number of series does not depend on the number of users, rooms or sessions.

mod classic;
mod instrument;
mod label;
mod striped;
#[cfg(test)]
mod tests;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Registry, Unit};

use instrument::{Build, BusyCounter, Instrument};
pub use instrument::{Counter, Counters, Depths, Gauge, Gauges, HookSeconds, MetricKind, Seconds};
pub use label::{
    AdmissionOutcome, AttemptOutcome, Close, DenialStatus, EndpointState, HookOutcome, Label,
    Limit, MessageState, SessionStatus, StoreErrorReason, TargetOutcome,
};

/// The prefix of every name.
const PREFIX: &str = "stagedoor";

/// A row of the table of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The full name, with its unit and without the suffixes of samples.
    pub name: &'static str,
    pub kind: MetricKind,
    pub labels: &'static [&'static str],
    /// Without a full stop.
    pub help: &'static str,
}

impl Row {
    pub fn samples(&self) -> impl Iterator<Item = String> {
        self.kind.suffixes().iter().map(|suffix| format!("{}{suffix}", self.name))
    }
}

/// Defines the struct, its registration and [`TABLE`]; per metric: the help text and `field: type = "name" in "unit"`.
macro_rules! table {
    ($(#[doc = $help:literal] $field:ident: $type:ty = $name:literal $(in $unit:literal)?;)*) => {
        /// Every metric of a gateway, exported by [`Metrics::encode`].
        pub struct Metrics {
            $(#[doc = $help] pub $field: $type,)*
            registry: Registry,
        }

        impl Metrics {
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

        /// Every metric, in the order of the export.
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
    /// Sessions that have not ended, by state and link
    sessions: Gauges<SessionStatus> = "sessions";
    /// Starts, by outcome: `ok` or the reason of the rejection
    starts: Counters<AdmissionOutcome> = "starts";
    /// Token families voided because an outdated access token was presented
    token_families_voided: Counter = "token_families_voided";
    /// Time from receiving a start to answering it, auth hook and store included
    start_duration: Seconds = "start_duration" in "seconds";
    /// Resumes, by outcome: `ok` or the reason of the rejection
    resumes: Counters<AdmissionOutcome> = "resumes";
    /// Frames of replay buffers that were sent to resumed sessions
    replayed_frames: Counter = "replayed" in "frames";
    /// Memory of all replay buffers
    replay_buffers: Gauge = "replay_buffers" in "bytes";
    /// Memory of all messages that are being received
    incomplete_messages: Gauge = "incomplete_messages" in "bytes";
    /// Room snapshots sent because a session missed updates
    room_resets: Counter = "room_resets";
    /// Ended sessions, by close code
    sessions_ended: Counters<Close> = "sessions_ended";
    /// Ended sessions missing from the session history because its queue was full
    session_history_dropped: Counter = "session_history_dropped";

    // Connections.
    /// Connections that have not started a session
    pending_connections: Gauge = "pending_connections";
    /// Connections that could not be accepted, mostly because of the file-descriptor limit
    accept_failures: Counter = "accept_failures";
    /// Closed connections, by close code; `none` if no close code was sent
    connections_closed: Counters<Close> = "connections_closed";
    /// Connections closed because the client read too slowly
    slow_consumers_closed: Counter = "slow_consumers_closed";
    /// Frames received from clients, control frames included
    received_frames: BusyCounter = "received" in "frames";
    /// Bytes received from clients after the upgrade
    received_bytes: BusyCounter = "received" in "bytes";
    /// Frames sent to clients, pongs excluded
    sent_frames: BusyCounter = "sent" in "frames";
    /// Bytes sent to clients after the upgrade
    sent_bytes: BusyCounter = "sent" in "bytes";
    /// Unsent frames of a session, from a sample of sessions at each scrape
    send_queue: Depths = "send_queue" in "frames";
    /// Server API calls with a missing or invalid key
    api_auth_failures: Counter = "api_auth_failures";
    /// Limits hit, by configuration key
    limits_hit: Counters<Limit> = "limits_hit";

    // Authentication.
    /// Duration of auth hook decisions, by hook and outcome
    auth_hook_duration: HookSeconds = "auth_hook_duration" in "seconds";
    /// Attempts that an auth webhook denied, by HTTP status
    auth_webhook_denials: Counters<DenialStatus> = "auth_webhook_denials";
    /// Auth webhooks whose last 50 answers were denials
    auth_webhooks_denying: Gauge = "auth_webhooks_denying";

    // Rooms and moderation.
    /// Open rooms
    rooms: Gauge = "rooms";
    /// Emptied rooms that are remembered because they were moderated
    room_stubs: Gauge = "room_stubs";
    /// Time from a moderation command until its last target was enforced, declined or ignored it
    moderation_duration: Seconds = "moderation_duration" in "seconds";
    /// Targets of moderation commands, by final outcome
    moderation_targets: Counters<TargetOutcome> = "moderation_targets";
    /// Moderation commands rejected for missing permission
    moderation_denied: Counter = "moderation_denied";

    // The store.
    /// Client instances of guests in the store
    stored_guests: Gauge = "stored_guests";
    /// Blocks, mutes, roles, locks, ended rooms and used tokens in the store
    moderation_records: Gauge = "moderation_records";
    /// 1 if the last store call succeeded
    store_up: Gauge = "store_up";
    /// Duration of store calls, time in the queue included
    store_call_duration: Seconds = "store_call_duration" in "seconds";
    /// Failed store calls, by reason
    store_errors: Counters<StoreErrorReason> = "store_errors";

    // Webhooks.
    /// Webhook endpoints, by health
    webhook_endpoints: Gauges<EndpointState> = "webhook_endpoints";
    /// Webhook delivery attempts, by outcome
    webhook_attempts: Counters<AttemptOutcome> = "webhook_attempts";
    /// Duration of webhook delivery attempts, from the call to the end of the answer
    webhook_attempt_duration: Seconds = "webhook_attempt_duration" in "seconds";
    /// Stored webhook messages, by state
    webhook_messages: Gauges<MessageState> = "webhook_messages";
    /// Age of the oldest undelivered message
    webhook_oldest_pending: Gauge = "webhook_oldest_pending" in "seconds";
    /// Webhook messages that became dead letters
    webhook_dead_lettered: Counter = "webhook_dead_lettered" in "messages";
    /// Webhook messages dropped because the queue was full or the store failed
    webhook_dropped: Counter = "webhook_dropped" in "messages";
    /// Of the dropped webhook messages, those of moderation and bans, which have half of the queue
    webhook_dropped_reserved: Counter = "webhook_dropped_reserved" in "messages";

    // The process.
    /// Tasks that panicked
    task_panics: Counter = "task_panics";
    /// 1 while draining
    draining: Gauge = "draining";
    /// Steps of the wall clock by more than a second
    clock_steps: Counter = "clock_steps";
    /// Version of the gateway
    build: Build = "build";
}

/// A text format of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// The text format of Prometheus, version 0.0.4.
    Classic,
}

impl TextFormat {
    /// The content type of an answer in this format.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Converts the text of [`Metrics::encode`] into this format.
    #[must_use]
    pub fn convert(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Classic => classic::convert(&open_metrics),
        }
    }
}

impl Metrics {
    /// All metrics as text. Source: `OpenMetrics` 1.0.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .unwrap_or_else(|std::fmt::Error| unreachable!("writing to a string cannot fail"));
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
