//! The receipt of a moderation command as text: a row per target, then the totals.

use std::io;

use serde::Deserialize;
use stagedoor_proto::{
    ActiveBlock, BlockSource, ModerationCommand, OutcomeCounts, Receipt as AtTarget, RoomId, Target,
};

use super::table::{self, date, printable};

/// A receipt as the server API returns it.
#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    room: RoomId,
    command: ModerationCommand,
    /// Absent if the command was answered from the cache under its `ref`.
    counts: Option<OutcomeCounts>,
    targets: Vec<AtTarget>,
    /// What still blocks the user, after `unblock`.
    block: Option<ActiveBlock>,
    elapsed_ms: u64,
}

impl Receipt {
    pub(super) fn print(&self, out: &mut impl io::Write) -> io::Result<()> {
        let Self { room, command, counts, targets, block, elapsed_ms } = self;
        if !targets.is_empty() {
            let rows = targets.iter().map(row).collect();
            table::print(&["target", "outcome", "elapsed"], rows, out)?;
        }
        let room = printable(room.as_str());
        match counts {
            Some(counts) => {
                let counts = format_counts(*counts);
                writeln!(out, "{} in {room}: {counts} in {elapsed_ms} ms", command.as_str())?;
            }
            None => writeln!(out, "{} in {room}: already done under this ref", command.as_str())?,
        }
        block.map_or(Ok(()), |block| writeln!(out, "{}", still_blocked(block)))
    }
}

/// A block that still holds, as a sentence.
pub(super) fn still_blocked(block: ActiveBlock) -> String {
    let by = match block.set_by {
        BlockSource::Moderator => "a moderator",
        BlockSource::Operator => "the operator",
    };
    match block.until_ms.map(date) {
        None => format!("still blocked by {by}, permanently"),
        Some(Some(date)) => format!("still blocked by {by} until {date}"),
        Some(None) => format!("still blocked by {by}"),
    }
}

fn row(at: &AtTarget) -> Vec<String> {
    let outcome = serde_json::to_value(at.outcome).ok();
    let outcome = outcome.and_then(|outcome| outcome.as_str().map(str::to_owned));
    let elapsed = format!("{} ms", at.elapsed_ms);
    let mut target = printable(&target(&at.target));
    if target.is_empty() {
        target.push_str("the room"); // The command has no target in the room.
    }
    vec![target, outcome.unwrap_or_default(), elapsed]
}

/// The target as text; empty if it names nothing.
pub(super) fn target(target: &Target) -> String {
    match (&target.username, target.stream, target.participant) {
        (Some(username), ..) => username.as_str().to_owned(),
        (None, Some(stream), _) => format!("stream {stream}"),
        (None, None, Some(participant)) => format!("participant {participant}"),
        (None, None, None) => String::new(),
    }
}

/// The target count per outcome.
pub(super) fn format_counts(counts: OutcomeCounts) -> String {
    let OutcomeCounts { enforced, pending, offline, declined, ignored } = counts;
    let outcomes = [
        (enforced, "enforced"),
        (pending, "pending"),
        (offline, "offline"),
        (declined, "declined"),
        (ignored, "ignored"),
    ];
    let nonzero = outcomes.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = nonzero.map(|(count, name)| format!("{count} {name}")).collect();
    if parts.is_empty() { "0 targets".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(receipt: serde_json::Value) -> String {
        let mut out = Vec::new();
        serde_json::from_value::<Receipt>(receipt).unwrap().print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn receipt_prints_each_target_and_the_total() {
        let receipt = json!({
            "room": "lobby", "command": "force_mute", "version": 42, "target_count": 2,
            "counts": { "enforced": 1, "pending": 1, "offline": 0, "declined": 0, "ignored": 0 },
            "targets": [
                { "target": { "username": "ada" }, "outcome": "enforced", "elapsed_ms": 3 },
                { "target": {}, "outcome": "enforced", "elapsed_ms": 0 },
                { "target": { "stream": "AAAAAAAAAAAAAAAAAAAAAA" }, "outcome": "pending", "elapsed_ms": 1000 },
            ],
            "elapsed_ms": 1000,
        });
        let expected = "\
target                         outcome   elapsed
ada                            enforced  3 ms
the room                       enforced  0 ms
stream AAAAAAAAAAAAAAAAAAAAAA  pending   1000 ms
force_mute in lobby: 1 enforced, 1 pending in 1000 ms
";
        assert_eq!(printed(receipt), expected);
    }

    #[test]
    fn receipt_without_targets_or_repeated_says_so() {
        let mut receipt = json!({
            "room": "lobby", "command": "lock_room", "version": 42, "target_count": 0,
            "counts": { "enforced": 0, "pending": 0, "offline": 0, "declined": 0, "ignored": 0 },
            "targets": [], "elapsed_ms": 0,
        });
        assert_eq!(printed(receipt.clone()), "lock_room in lobby: 0 targets in 0 ms\n");
        receipt.as_object_mut().unwrap().remove("counts");
        assert_eq!(printed(receipt), "lock_room in lobby: already done under this ref\n");
    }
}
