//! The types of metrics: counters, gauges and histograms, single or one per label value.
//!
//! A counter or gauge costs one relaxed atomic, without contention for a [`BusyCounter`]. Labelled metrics search a
//! list of fixed length and histograms take a lock, so neither is used per message.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Metric;

use super::label::{HookOutcome, Label};
use super::striped::Striped;

/// A value that only grows.
pub type Counter = prometheus_client::metrics::counter::Counter;
/// A [`Counter`] that is incremented per message.
pub(super) type BusyCounter = prometheus_client::metrics::counter::Counter<u64, Striped>;
/// A value that goes up and down.
pub type Gauge = prometheus_client::metrics::gauge::Gauge;

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
    /// A constant with labels.
    Info,
}

impl MetricKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// The suffixes of the metric's name in its samples.
    #[must_use]
    pub const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total"],
            Self::Gauge => &[""],
            Self::Histogram => &["_bucket", "_count", "_sum"],
            Self::Info => &["_info"],
        }
    }
}

/// A metric that can be registered.
pub(super) trait Instrument: Metric + Clone + Default {
    const KIND: MetricKind;
    const LABELS: &'static [&'static str];
}

impl Instrument for Counter {
    const KIND: MetricKind = MetricKind::Counter;
    const LABELS: &'static [&'static str] = &[];
}

impl Instrument for BusyCounter {
    const KIND: MetricKind = MetricKind::Counter;
    const LABELS: &'static [&'static str] = &[];
}

impl Instrument for Gauge {
    const KIND: MetricKind = MetricKind::Gauge;
    const LABELS: &'static [&'static str] = &[];
}

/// A counter per label value. All are exported from the start, so that the first event shows as an increase.
#[derive(Clone, Debug)]
pub struct Counters<L>(Arc<[(L, AtomicU64)]>);

impl<L: Label> Counters<L> {
    /// Increments the counter of `label`. A value outside [`Label::all`] is ignored.
    pub fn inc(&self, label: L) {
        self.inc_by(label, 1);
    }

    pub fn inc_by(&self, label: L, by: u64) {
        if let Some((_, count)) = self.0.iter().find(|(own, _)| *own == label) {
            count.fetch_add(by, Ordering::Relaxed);
        }
    }
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Self {
        Self(L::all().into_iter().map(|label| (label, AtomicU64::new(0))).collect())
    }
}

impl<L: Label> EncodeMetric for Counters<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (label, count) in &*self.0 {
            let count = count.load(Ordering::Relaxed);
            encoder
                .encode_family(&pairs(*label))?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

impl<L: Label> Instrument for Counters<L> {
    const KIND: MetricKind = MetricKind::Counter;
    const LABELS: &'static [&'static str] = L::NAMES;
}

/// A gauge per label value.
#[derive(Clone, Debug)]
pub struct Gauges<L>(Arc<[(L, AtomicI64)]>);

impl<L: Label> Gauges<L> {
    pub fn inc(&self, label: L) {
        self.add(label, 1);
    }

    pub fn dec(&self, label: L) {
        self.add(label, -1);
    }

    pub fn set(&self, label: L, to: i64) {
        if let Some((_, value)) = self.0.iter().find(|(own, _)| *own == label) {
            value.store(to, Ordering::Relaxed);
        }
    }

    fn add(&self, label: L, by: i64) {
        if let Some((_, value)) = self.0.iter().find(|(own, _)| *own == label) {
            value.fetch_add(by, Ordering::Relaxed);
        }
    }
}

impl<L: Label> Default for Gauges<L> {
    fn default() -> Self {
        Self(L::all().into_iter().map(|label| (label, AtomicI64::new(0))).collect())
    }
}

impl<L: Label> EncodeMetric for Gauges<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (label, value) in &*self.0 {
            let value = value.load(Ordering::Relaxed);
            encoder.encode_family(&pairs(*label))?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

impl<L: Label> Instrument for Gauges<L> {
    const KIND: MetricKind = MetricKind::Gauge;
    const LABELS: &'static [&'static str] = L::NAMES;
}

/// A histogram of durations.
#[derive(Clone, Debug)]
pub struct Seconds(Histogram);

impl Seconds {
    pub fn observe(&self, took: Duration) {
        self.0.observe(took.as_secs_f64());
    }
}

impl Default for Seconds {
    fn default() -> Self {
        Self(Histogram::new(SECONDS))
    }
}

/// A histogram of queue lengths.
#[derive(Clone, Debug)]
pub struct Depths(Histogram);

impl Depths {
    pub fn observe(&self, depth: usize) {
        self.0.observe(f64::from(u32::try_from(depth).unwrap_or(u32::MAX)));
    }
}

impl Default for Depths {
    fn default() -> Self {
        Self(Histogram::new(DEPTHS))
    }
}

/// A histogram of durations of auth hooks, by hook and outcome.
#[derive(Clone, Debug)]
pub struct HookSeconds(Family<HookLabels, Histogram, fn() -> Histogram>);

/// The labels `hook` and `outcome`, as pairs of name and value.
type HookLabels = [(&'static str, &'static str); 2];

impl HookSeconds {
    pub fn observe(&self, hook: &'static str, outcome: HookOutcome, took: Duration) {
        let labels = [("hook", hook), ("outcome", outcome.as_str())];
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

impl Default for HookSeconds {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(SECONDS)))
    }
}

/// The version of the gateway.
#[derive(Clone, Debug)]
pub struct Build(Arc<Info<[(&'static str, &'static str); 1]>>);

impl Default for Build {
    fn default() -> Self {
        Self(Arc::new(Info::new([("version", env!("CARGO_PKG_VERSION"))])))
    }
}

/// Delegates to the inner metric of a newtype.
macro_rules! delegate {
    ($($type:ident: $kind:ident, $labels:expr;)*) => {$(
        impl EncodeMetric for $type {
            fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
                self.0.encode(encoder)
            }

            fn metric_type(&self) -> MetricType {
                MetricType::$kind
            }
        }

        impl Instrument for $type {
            const KIND: MetricKind = MetricKind::$kind;
            const LABELS: &'static [&'static str] = $labels;
        }
    )*};
}

delegate! {
    Seconds: Histogram, &[];
    Depths: Histogram, &[];
    HookSeconds: Histogram, &["hook", "outcome"];
    Build: Info, &["version"];
}

fn pairs<L: Label>(label: L) -> Vec<(&'static str, String)> {
    L::NAMES.iter().copied().zip(label.values()).collect()
}

/// Buckets from half a millisecond, a start with the store in memory, to the deadline of moderation commands.
const SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Buckets from an idle session to a full replay buffer.
const DEPTHS: [f64; 7] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];
