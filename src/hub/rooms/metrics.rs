//! What is counted of rooms. It follows from effects and refusals: nothing here is done for each message.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, Reply, RoomSnapshot};

use crate::room::{Appender, Audit, Room};
use crate::telemetry::{Limit, Metrics, TargetOutcome};

/// Counts what an effect of a room shows: limits, receipts, denials.
pub(super) fn count_effect(metrics: &Metrics, effect: &Appender, room: &Room) {
    match effect {
        Appender::Reply { result: Err(error), .. } => count_error(metrics, error, room),
        Appender::Reply { result: Ok(reply), .. } => {
            if let Reply::Joined(joined) = reply {
                count_pages(metrics, &joined.room);
            }
        }
        Appender::Audit(row) => count_verb(metrics, row),
        Appender::Denied { .. } => drop(metrics.moderation_denied.inc()),
        Appender::BlockUser(_) | Appender::Persist(_) | Appender::Emit { .. } => {}
    }
}

/// Counts a signal that a room did not accept.
pub(super) fn count_signal_error(metrics: &Metrics, error: &Error) {
    if error.code == ErrorCode::RateLimited {
        metrics.limits_hit.inc(Limit::SignalsPerRoom);
    }
}

/// Counts a snapshot sent because a session missed updates.
pub(super) fn count_reset(metrics: &Metrics, snapshot: &RoomSnapshot) {
    metrics.room_resets.inc();
    count_pages(metrics, snapshot);
}

fn count_pages(metrics: &Metrics, snapshot: &RoomSnapshot) {
    if snapshot.next.is_some() {
        metrics.limits_hit.inc(Limit::MessageOutBytes);
    }
}

fn count_error(metrics: &Metrics, error: &Error, room: &Room) {
    if error.code == ErrorCode::RoomFull {
        metrics.limits_hit.inc(Limit::ParticipantsPerRoom);
    }
    if error.code == ErrorCode::TooManyStreams {
        let of_room = room.is_at_stream_limit();
        let limit = if of_room { Limit::StreamsPerRoom } else { Limit::StreamsPerParticipant };
        metrics.limits_hit.inc(limit);
    }
}

/// Counts a command that is settled at all its targets. Of one that is not, another row follows.
fn count_verb(metrics: &Metrics, row: &Audit) {
    let counts = row.counts;
    if counts.pending + counts.offline > 0 {
        return;
    }
    metrics.moderation_duration.observe(Duration::from_millis(row.elapsed_ms));
    let targets = &metrics.moderation_targets;
    targets.inc_by(TargetOutcome::Enforced, counts.enforced.into());
    targets.inc_by(TargetOutcome::Ignored, counts.ignored.into());
}
