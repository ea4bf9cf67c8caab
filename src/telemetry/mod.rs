//! Logs and metrics.
//!
//! Invariant: neither contains a secret; a user appears in logs as a keyed hash, and in no metric.

mod log;
mod metrics;
mod user;

pub use log::{Format, TelemetryError, field, init};
pub use metrics::{
    AdmissionOutcome, AttemptOutcome, Close, Counter, Counters, DenialStatus, Depths,
    EndpointState, Gauge, Gauges, HookOutcome, HookSeconds, Label, Limit, MessageState, MetricKind,
    Metrics, Row, Seconds, SessionStatus, StoreErrorReason, TABLE, TargetOutcome, TextFormat,
};
pub use user::{HashedUser, UserHash};
