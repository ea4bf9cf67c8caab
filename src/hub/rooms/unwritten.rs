//! Moderation commands that this node appended and whose changes are not in the store yet.
//!
//! `accepted` and the first receipt of a session's command do not wait for the store. Once the store has the changes,
//! the newest receipt is sent again as durable. A repetition of such a command is answered when they are written, or
//! not. Guarded by the room's lock.

use std::collections::BTreeMap;

use stagedoor_proto::{Error, ModerationReport, Reply};

use crate::room::Origin;

/// Maximum number of commands per room; the oldest are dropped first, and never reported as durable.
const MAX_UNWRITTEN_COMMANDS: usize = 1_024;

/// The unwritten commands of a room, by their version in its log.
#[derive(Default)]
pub(in crate::hub) struct UnwrittenCommands {
    commands: BTreeMap<u64, UnwrittenCommand>,
    /// Commands up to this version were dropped, and may not be in the store.
    dropped: u64,
}

/// A command whose changes are not in the store yet.
pub(super) struct UnwrittenCommand {
    pub(super) origin: Origin,
    /// The newest receipt.
    pub(super) report: ModerationReport,
    /// Answers to repetitions.
    pub(super) repeated: Vec<(Origin, Result<Reply, Error>)>,
}

impl UnwrittenCommands {
    /// Adds a command with its first receipt. Returns one that is dropped for it.
    pub(super) fn insert(
        &mut self,
        origin: Origin,
        report: ModerationReport,
    ) -> Option<UnwrittenCommand> {
        let version = report.version;
        let command = UnwrittenCommand { origin, report, repeated: Vec::new() };
        self.commands.insert(version, command);
        let excess = self.commands.len() > MAX_UNWRITTEN_COMMANDS;
        let (version, dropped) = excess.then(|| self.commands.pop_first()).flatten()?;
        self.dropped = version;
        Some(dropped)
    }

    /// Records a newer receipt. Returns whether the changes of its command are in the store.
    pub(super) fn update(&mut self, report: &ModerationReport) -> bool {
        match self.commands.get_mut(&report.version) {
            Some(command) => {
                command.report = report.clone();
                false
            }
            None => report.version > self.dropped,
        }
    }

    pub(super) fn get_mut(&mut self, version: u64) -> Option<&mut UnwrittenCommand> {
        self.commands.get_mut(&version)
    }

    /// Takes a command whose changes are written.
    pub(super) fn take(&mut self, version: u64) -> Option<UnwrittenCommand> {
        self.commands.remove(&version)
    }
}

#[cfg(test)]
mod tests {
    use stagedoor_proto::{Actor, ModerationCommand, OutcomeCounts};

    use super::*;

    fn report(version: u64) -> ModerationReport {
        ModerationReport {
            room: "lobby".parse().unwrap(),
            version,
            ref_: None,
            command: ModerationCommand::LockRoom,
            by: Actor::Server {},
            counts: OutcomeCounts::default(),
            targets: Vec::new(),
            elapsed_ms: 0,
            durable: false,
        }
    }

    #[test]
    fn command_is_durable_once_it_was_taken() {
        let mut unwritten = UnwrittenCommands::default();
        assert!(unwritten.insert(Origin::Call(1), report(7)).is_none());
        assert!(!unwritten.update(&report(7)), "it is not written");
        assert!(unwritten.update(&report(8)), "it had nothing to write");
        assert!(unwritten.take(7).is_some());
        assert!(unwritten.update(&report(7)));
    }

    #[test]
    fn dropped_command_is_never_durable() {
        let mut unwritten = UnwrittenCommands::default();
        let bound = MAX_UNWRITTEN_COMMANDS as u64;
        for version in 1..=bound {
            assert!(unwritten.insert(Origin::Call(version), report(version)).is_none());
        }
        let dropped =
            unwritten.insert(Origin::Call(0), report(bound + 1)).expect("it is the oldest");
        assert_eq!(dropped.origin, Origin::Call(1));
        assert!(unwritten.take(1).is_none());
        assert!(!unwritten.update(&report(1)), "whether it was written is unknown");
    }
}
