//! Latencies as the worker measures and reports them.

use hdrhistogram::Histogram;

use super::protocol::Latencies;

/// Of latencies: one part in a thousand.
pub(crate) const SIGNIFICANT_DIGITS: u8 = 3;

/// A histogram as it is reported.
pub(super) fn recorded(latencies: &Histogram<u64>) -> Latencies {
    let recorded = latencies.iter_recorded();
    recorded.map(|value| (value.value_iterated_to(), value.count_at_value())).collect()
}
