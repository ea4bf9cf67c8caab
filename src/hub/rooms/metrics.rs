//! Metrics of rooms, from effects and errors; nothing here runs for each message.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, Reply, RoomSnapshot};

use crate::room::{Appender, Audit, LocalLimit, LocalRejection, Room};
use crate::telemetry::{Limit, Metrics, TargetOutcome};

/// Counts limits, receipts and denials in the effects of a room.
pub(super) fn count_effect(metrics: &Metrics, effect: &Appender, room: &Room) {
    match effect {
        Appender::Reply { result: Err(error), .. } => count_error(metrics, error, room),
        Appender::Reply { result: Ok(reply), .. } => {
            if let Reply::Joined(joined) = reply {
                count_pages(metrics, &joined.room);
            }
        }
        Appender::Audit(row) => count_command(metrics, row),
        Appender::Denied { .. } => drop(metrics.moderation_denied.inc()),
        Appender::BlockUser(_)
        | Appender::UnblockUser(_)
        | Appender::Persist(_)
        | Appender::Emit { .. } => {}
    }
}

/// Counts the limit that a rejection is due to, and returns its error.
pub(super) fn count_rejection(metrics: &Metrics, rejection: LocalRejection) -> Error {
    if let Some(limit) = rejection.limit {
        metrics.limits_hit.inc(match limit {
            LocalLimit::Signals => Limit::SignalsPerRoom,
            LocalLimit::ModeratorSignals => Limit::ModeratorSignalsPerRoom,
            LocalLimit::SignalBytes => Limit::SignalBytesPerRoom,
            LocalLimit::RosterInterval => Limit::RosterInterval,
        });
    }
    rejection.error
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

/// Counts a command whose outcomes are final. Of others a later receipt follows.
fn count_command(metrics: &Metrics, row: &Audit) {
    let counts = row.counts;
    if counts.pending + counts.offline > 0 {
        return;
    }
    metrics.moderation_duration.observe(Duration::from_millis(row.elapsed_ms));
    let targets = &metrics.moderation_targets;
    targets.inc_by(TargetOutcome::Enforced, counts.enforced.into());
    targets.inc_by(TargetOutcome::Ignored, counts.ignored.into());
}
