//! [`Metered`]: counts and times the calls of a store.

use std::sync::Arc;

use futures::FutureExt as _;

use super::error::{StoreError, StoreFuture};
use super::observed::{Observed, Observer};
use crate::clock::Clock;
use crate::telemetry::{Metrics, StoreErrorReason};

/// A store that counts its calls. A call is counted when its future resolves.
pub type Metered<S> = Observed<S, Meter>;

/// Counts and times calls.
#[derive(Clone)]
pub struct Meter {
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl Meter {
    /// A meter of a store that is open.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, clock: Clock) -> Self {
        metrics.store_up.set(1);
        Self { metrics, clock }
    }

    fn count<T>(&self, began: u64, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let metrics = &self.metrics;
        metrics.store_call_duration.observe(self.clock.since(began));
        metrics.store_up.set(i64::from(result.is_ok()));
        if let Err(error) = &result {
            metrics.store_errors.inc(match error {
                StoreError::Unavailable { .. } | StoreError::SchemaTooNew { .. } => {
                    StoreErrorReason::Unavailable
                }
                StoreError::Full { .. } => StoreErrorReason::Full,
                StoreError::Closed => StoreErrorReason::Closed,
            });
        }
        result
    }
}

impl Observer for Meter {
    /// Measures from the call to its result.
    fn around<'a, T: 'a>(
        &self,
        _name: &'static str,
        call: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        let answer = call();
        let (meter, began) = (self.clone(), self.clock.micros());
        async move { meter.count(began, answer.await) }.boxed()
    }
}
