//! Counts what an auth webhook denies: by status, and how many answers in a row.
//!
//! A webhook that denies everybody looks like an attack of strangers, and is more often a wrong secret or URL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::{DenialStatus, Metrics};

/// So many denials without an admission are reported.
pub(super) const REPORTED_DENIALS: u64 = 50;

/// The answers of one auth webhook. Failures are no answers.
pub(super) struct DenialCounter {
    /// Denials since the last admission.
    in_a_row: AtomicU64,
    metrics: Arc<Metrics>,
}

impl DenialCounter {
    pub(super) const fn new(metrics: Arc<Metrics>) -> Self {
        Self { in_a_row: AtomicU64::new(0), metrics }
    }

    pub(super) fn record_denial(&self, status: DenialStatus) {
        self.metrics.auth_webhook_denials.inc(status);
        if self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1 == REPORTED_DENIALS {
            self.metrics.auth_webhooks_denying.inc();
        }
    }

    pub(super) fn record_admission(&self) {
        if self.in_a_row.swap(0, Ordering::Relaxed) >= REPORTED_DENIALS {
            self.metrics.auth_webhooks_denying.dec();
        }
    }
}

impl Drop for DenialCounter {
    /// A reload replaces the webhook.
    fn drop(&mut self) {
        self.record_admission();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_in_a_row_are_reported_until_an_admission() {
        let metrics = Arc::new(Metrics::new());
        let denying = || metrics.auth_webhooks_denying.get();
        let [first, second] = [(); 2].map(|()| DenialCounter::new(Arc::clone(&metrics)));
        let deny = |counter: &DenialCounter, times| {
            for _ in 0..times {
                counter.record_denial(DenialStatus::Forbidden);
            }
        };
        deny(&first, REPORTED_DENIALS - 1);
        first.record_admission();
        deny(&first, REPORTED_DENIALS - 1);
        assert_eq!(denying(), 0, "one of the last 50 was admitted");
        deny(&first, 2);
        deny(&second, REPORTED_DENIALS * 2);
        assert_eq!(denying(), 2);
        first.record_admission();
        assert_eq!(denying(), 1);
        drop(second);
        assert_eq!(denying(), 0, "a webhook that was replaced");
    }
}
