//! What a metric is made of: counters, gauges and histograms, alone or one for each value of a label.
//!
//! A counter or gauge costs one relaxed atomic; that of a [`BusyCounter`] is in no other thread's way. Those with labels look their value up in a list that never grows;
//! histograms take a lock: neither is for what happens with each message.

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

/// A number that grows.
pub type Counter = prometheus_client::metrics::counter::Counter;
/// A [`Counter`] for what happens with each message.
pub(super) type BusyCounter = prometheus_client::metrics::counter::Counter<u64, Striped>;
/// A number that goes up and down.
pub type Gauge = prometheus_client::metrics::gauge::Gauge;

/// What kind of samples a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
    /// Tells something that does not change.
    Info,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// What follows the metric's name in the names of its samples.
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

/// A type of which a metric can be.
pub(super) trait Instrument: Metric + Clone + Default {
    const KIND: Kind;
    const LABELS: &'static [&'static str];
}

impl Instrument for Counter {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [&'static str] = &[];
}

impl Instrument for BusyCounter {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [&'static str] = &[];
}

impl Instrument for Gauge {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [&'static str] = &[];
}

/// A counter for each value of a label; all of them are told from the start, so that a first event shows as a change.
#[derive(Clone, Debug)]
pub struct Counters<L>(Arc<[(L, AtomicU64)]>);

impl<L: Label> Counters<L> {
    /// Counts one. A value that is not in the label's list, which only a later version has, counts for nothing.
    pub fn inc(&self, label: L) {
        self.inc_by(label, 1);
    }

    /// Counts several.
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
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [&'static str] = L::NAMES;
}

/// A gauge for each value of a label.
#[derive(Clone, Debug)]
pub struct Gauges<L>(Arc<[(L, AtomicI64)]>);

impl<L: Label> Gauges<L> {
    /// One more.
    pub fn inc(&self, label: L) {
        self.add(label, 1);
    }

    /// One less.
    pub fn dec(&self, label: L) {
        self.add(label, -1);
    }

    /// So many.
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
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [&'static str] = L::NAMES;
}

/// How long something took.
#[derive(Clone, Debug)]
pub struct Seconds(Histogram);

impl Seconds {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        self.0.observe(took.as_secs_f64());
    }
}

impl Default for Seconds {
    fn default() -> Self {
        Self(Histogram::new(SECONDS))
    }
}

/// How many of something there were.
#[derive(Clone, Debug)]
pub struct Depths(Histogram);

impl Depths {
    /// Counts one that was so deep.
    pub fn observe(&self, depth: usize) {
        self.0.observe(f64::from(u32::try_from(depth).unwrap_or(u32::MAX)));
    }
}

impl Default for Depths {
    fn default() -> Self {
        Self(Histogram::new(DEPTHS))
    }
}

/// How long auth hooks took, by hook and by what they decided.
#[derive(Clone, Debug)]
pub struct HookSeconds(Family<HookLabels, Histogram, fn() -> Histogram>);

/// A hook and what it decided, each behind its label's name.
type HookLabels = [(&'static str, &'static str); 2];

impl HookSeconds {
    /// Counts a decision of the hook of this name.
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

/// Which gateway this is.
#[derive(Clone, Debug)]
pub struct Build(Arc<Info<[(&'static str, &'static str); 1]>>);

impl Default for Build {
    fn default() -> Self {
        Self(Arc::new(Info::new([("version", env!("CARGO_PKG_VERSION"))])))
    }
}

/// Passes what is asked of a metric on to the one inside.
macro_rules! pass_on {
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
            const KIND: Kind = Kind::$kind;
            const LABELS: &'static [&'static str] = $labels;
        }
    )*};
}

pass_on! {
    Seconds: Histogram, &[];
    Depths: Histogram, &[];
    HookSeconds: Histogram, &["hook", "outcome"];
    Build: Info, &["version"];
}

/// A label's names with its values.
fn pairs<L: Label>(label: L) -> Vec<(&'static str, String)> {
    L::NAMES.iter().copied().zip(label.values()).collect()
}

/// From half a millisecond, which a start with the store in memory takes, to what a moderator no longer waits for.
const SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// From an idle session's to a full ring's.
const DEPTHS: [f64; 7] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];
