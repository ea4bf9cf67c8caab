//! What is counted of what the hub does, and what the log says of a session.
//!
//! Nothing here is done for each message: what is counted follows from effects, refusals and scrapes.

#![deny(clippy::wildcard_enum_match_arm)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, Reply, RoomSnapshot};
use tracing::Instrument as _;

use super::Hub;
use super::sessions::SessionHandle;
use crate::request::RequestId;
use crate::room::{Audit, Effect, Room};
use crate::telemetry::{Limit, Metrics, TargetOutcome};

/// How many sessions are asked at a scrape how many frames wait for them.
const SAMPLED_SESSIONS: usize = 256;

impl Hub {
    /// Where everything is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// All metrics as they are now, as text.
    #[must_use]
    pub fn scrape(&self) -> String {
        let metrics = &self.metrics;
        metrics.rooms.set(gauge(self.rooms.count()));
        metrics.waiting_connections.set(gauge(self.addresses.waiting()));
        metrics.draining.set(i64::from(self.lifecycle.is_draining()));
        for session in self.registry.sample(SAMPLED_SESSIONS) {
            metrics.ring_unsent.observe(session.backlog());
        }
        metrics.encode()
    }

    /// The number of a new connection, by which the log tells it from others.
    #[must_use]
    pub fn number_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Says in the log that the connection at hand carries this session now.
    pub fn log_opened(&self, session: &SessionHandle) {
        let user = session.user();
        tracing::debug!(
            app = &*user.app,
            user = %self.users.of(&user.app, &user.username),
            session = %session.id(),
            "session opened"
        );
    }

    /// Spawns what a request leads to; what it logs names the request.
    pub(super) fn spawn_request(
        &self,
        request: &RequestId,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let span = tracing::error_span!("request", %request);
        self.lifecycle.spawn(task.instrument(span));
    }

    /// A bound was hit.
    pub(super) fn hit(&self, limit: Limit) {
        self.metrics.limits_hit.inc(limit);
    }

    /// Counts what an effect of a room tells: bounds, receipts, refusals.
    pub(super) fn count_effect(&self, effect: &Effect, room: &Room) {
        match effect {
            Effect::Reply { result: Err(error), .. } => self.count_refusal(error, room),
            Effect::Reply { result: Ok(reply), .. } => {
                if let Reply::Joined(joined) = reply {
                    self.count_length(&joined.room);
                }
            }
            Effect::Audit(row) => self.count_verb(row),
            Effect::Denied { .. } => drop(self.metrics.moderation_denied.inc()),
            Effect::Push { .. }
            | Effect::Withdraw(_)
            | Effect::Forget(_)
            | Effect::Disband(_)
            | Effect::Enrolled { .. }
            | Effect::EndSessions { .. }
            | Effect::Report { .. }
            | Effect::Persist(_)
            | Effect::Happened { .. }
            | Effect::Closed => {}
        }
    }

    /// Counts a signal that a room did not take.
    pub(super) fn count_signal(&self, error: &Error) {
        if error.code == ErrorCode::RateLimited {
            self.hit(Limit::SignalsPerRoom);
        }
    }

    /// Counts that a session is told a room anew.
    pub(super) fn count_reset(&self, snapshot: &RoomSnapshot) {
        self.metrics.room_resets.inc();
        self.count_length(snapshot);
    }

    fn count_length(&self, snapshot: &RoomSnapshot) {
        if snapshot.next.is_some() {
            self.hit(Limit::MessageOutBytes);
        }
    }

    fn count_refusal(&self, error: &Error, room: &Room) {
        if error.code == ErrorCode::RoomFull {
            self.hit(Limit::ParticipantsPerRoom);
        }
        if error.code == ErrorCode::TooManyStreams {
            let limit = if room.has_all_streams() {
                Limit::StreamsPerRoom
            } else {
                Limit::StreamsPerParticipant
            };
            self.hit(limit);
        }
    }

    /// Counts a verb that is settled at all its targets. Of one that is not, another row follows.
    fn count_verb(&self, row: &Audit) {
        let counts = row.counts;
        if counts.pending + counts.offline > 0 {
            return;
        }
        self.metrics.moderation_duration.observe(Duration::from_millis(row.elapsed_ms));
        let targets = &self.metrics.moderation_targets;
        targets.inc_by(TargetOutcome::Enforced, counts.enforced.into());
        targets.inc_by(TargetOutcome::Ignored, counts.ignored.into());
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
