//! Metrics of rooms, from effects and errors; nothing here runs for each message.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, OutcomeCounts, Reply, RoomSnapshot};

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

/// Counts the outcomes of a command without open ones. Of others a later row follows. A target that ignores a locked
/// mute counts twice: the lock was enforced at once.
fn count_command(metrics: &Metrics, row: &Audit) {
    let is_open = |counts: &OutcomeCounts| counts.pending + counts.offline > 0;
    if is_open(&row.counts) {
        return;
    }
    metrics.moderation_duration.observe(Duration::from_millis(row.elapsed_ms));
    let (counts, counted) =
        (row.counts, row.former.filter(|former| !is_open(former)).unwrap_or_default());
    let targets = &metrics.moderation_targets;
    for (outcome, count, counted) in [
        (TargetOutcome::Enforced, counts.enforced, counted.enforced),
        (TargetOutcome::Declined, counts.declined, counted.declined),
        (TargetOutcome::Ignored, counts.ignored, counted.ignored),
    ] {
        targets.inc_by(outcome, count.saturating_sub(counted).into());
    }
}
