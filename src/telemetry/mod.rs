//! What is seen of the gateway from outside: its log and its metrics.
//!
//! Invariant: no secret is in either; a user is in the log as a keyed hash, and in no metric.

mod log;
mod metrics;
mod user;

pub use log::{Format, TelemetryError, field, init};
pub use metrics::{
    AttemptOutcome, Close, Counter, Counters, Depths, EndpointState, Gauge, Gauges, HookOutcome,
    HookSeconds, Kind, Label, Limit, MessageState, Metrics, Outcome, Row, Seconds, Standing,
    StoreErrorReason, TABLE, TargetOutcome,
};
pub use user::{HashedUser, UserHash};
