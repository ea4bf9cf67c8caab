//! Outcomes and reports of moderation commands.
//!
//! A command without open targets is reported once; others are tracked until every target has an outcome. The first
//! report is immediate, later ones come at most every [`BATCH_INTERVAL`] while outcomes change. The last report to a
//! waiting call is immediate.
//!
//! Invariant: a tracked command has an open target or a pending report. Not here: the timeout after which a target
//! counts as `ignored` (`acks`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Actor, ModerationCommand, ModerationReport, Outcome, OutcomeCounts, Reason, Receipt, Ref,
    RoomId, StreamId, Target, Username,
};

use crate::request::RequestId;
use crate::room::effect::Audit;
use crate::room::log::origin::{NodeEpoch, Origin};
use crate::room::settings::{BATCH_INTERVAL, MAX_OPEN_VERBS, MAX_REPORTED_TARGETS};
use crate::room::state::timers::{Timer, Timers};
use crate::time::Monotonic;

/// The targets of a command and their initial outcomes.
#[derive(Clone, Debug, Default)]
pub(in crate::room) struct ModerationProgress {
    /// The target for the audit log.
    pub(in crate::room) audit_target: Target,
    /// Number of enforced targets that are not listed.
    pub(in crate::room) enforced: u32,
    /// The listed targets.
    pub(in crate::room) targets: Vec<(Target, Outcome)>,
    /// Whether outcomes of open targets follow. A request to unmute needs none.
    pub(in crate::room) is_tracked: bool,
}

impl ModerationProgress {
    /// A command that was enforced at once on a single target.
    pub(in crate::room) fn done(audit_target: Target) -> Self {
        Self {
            targets: vec![(audit_target.clone(), Outcome::Enforced)],
            audit_target,
            ..Self::default()
        }
    }

    pub(in crate::room) fn len(&self) -> u32 {
        self.enforced.saturating_add(u32::try_from(self.targets.len()).unwrap_or(u32::MAX))
    }
}

/// A moderation command with its actor and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct ModerationAction {
    pub(in crate::room) version: u64,
    pub(in crate::room) command: ModerationCommand,
    pub(in crate::room) by: Actor,
    pub(in crate::room) username: Option<Username>,
    pub(in crate::room) server: Option<Box<str>>,
    pub(in crate::room) node: NodeEpoch,
    pub(in crate::room) origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::room) request: Option<RequestId>,
    pub(in crate::room) ref_: Option<Ref>,
    pub(in crate::room) reason: Option<Reason>,
    pub(in crate::room) at: Monotonic,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PendingReceipt {
    action: ModerationAction,
    audit_target: Target,
    counts: OutcomeCounts,
    /// Targets that are open or ignored the mute; a single target in any case.
    rows: BTreeMap<StreamId, Receipt>,
    is_sole: bool,
    reported: Monotonic,
}

/// Commands with open receipts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Receipts {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pending: BTreeMap<u64, PendingReceipt>,
    /// Audit rows of commands whose last receipt came with this entry. Empty between entries.
    #[serde(skip)]
    completed: Vec<Audit>,
}

impl Receipts {
    pub(in crate::room) fn is_full(&self) -> bool {
        self.pending.len() >= MAX_OPEN_VERBS
    }

    /// Starts a command. Returns its first report and its audit row.
    pub(in crate::room) fn begin(
        &mut self,
        room: &RoomId,
        action: ModerationAction,
        progress: ModerationProgress,
    ) -> (ModerationReport, Audit) {
        let is_sole = progress.len() == 1;
        let mut counts = OutcomeCounts { enforced: progress.enforced, ..OutcomeCounts::default() };
        for (_, outcome) in &progress.targets {
            *counter(&mut counts, *outcome) += 1;
        }
        let is_reported = |outcome: Outcome| is_sole || outcome != Outcome::Enforced;
        let reported = progress.targets.into_iter().filter(|(_, outcome)| is_reported(*outcome));
        let receipts: Vec<Receipt> =
            reported.map(|(target, outcome)| Receipt { target, outcome, elapsed_ms: 0 }).collect();
        let audit = audit(&action, &progress.audit_target, counts, action.at);
        let report = report(room, &action, counts, receipts.iter(), action.at);
        if progress.is_tracked && counts.pending + counts.offline > 0 {
            let rows =
                receipts.into_iter().filter_map(|receipt| Some((receipt.target.stream?, receipt)));
            let rows = rows.collect();
            let (version, reported) = (action.version, action.at);
            let pending = PendingReceipt {
                action,
                audit_target: progress.audit_target,
                counts,
                rows,
                is_sole,
                reported,
            };
            self.pending.insert(version, pending);
        }
        (report, audit)
    }

    /// Records an outcome of a target. Its report is due at the end of the batch. After the last open target the audit
    /// row is complete.
    pub(in crate::room) fn record_outcome(
        &mut self,
        version: u64,
        stream: StreamId,
        outcome: Outcome,
        now: Monotonic,
        timers: &mut Timers,
    ) {
        let Some(pending) = self.pending.get_mut(&version) else { return };
        let Some(row) = pending.rows.get_mut(&stream).filter(|row| row.outcome != outcome) else {
            return;
        };
        *counter(&mut pending.counts, row.outcome) -= 1;
        *counter(&mut pending.counts, outcome) += 1;
        row.outcome = outcome;
        row.elapsed_ms = elapsed_since(pending.action.at, now);
        if outcome == Outcome::Enforced && !pending.is_sole {
            pending.rows.remove(&stream);
        }
        // A call waits for the last outcome, so it is not batched.
        let is_awaited = !pending.is_open() && matches!(pending.action.origin, Origin::Call(_));
        let due = if is_awaited { now } else { now.max(pending.reported + BATCH_INTERVAL) };
        let timer = Timer::Report(version);
        if timers.get(timer).is_none_or(|known| due < known) {
            timers.set(timer, due);
        }
        if !pending.is_open() {
            let row = audit(&pending.action, &pending.audit_target, pending.counts, now);
            self.completed.push(row);
        }
    }

    /// Takes the completed audit rows.
    pub(in crate::room) fn take_completed(&mut self) -> Vec<Audit> {
        std::mem::take(&mut self.completed)
    }

    /// The report of a command whose timer ran out, with its recipient: the appending node and the request.
    pub(in crate::room) fn report(
        &mut self,
        version: u64,
        room: &RoomId,
        now: Monotonic,
    ) -> Option<(NodeEpoch, Origin, ModerationReport)> {
        let pending = self.pending.get_mut(&version)?;
        pending.reported = now;
        let report = report(room, &pending.action, pending.counts, pending.rows.values(), now);
        let (node, origin) = (pending.action.node, pending.action.origin);
        if !pending.is_open() {
            self.pending.remove(&version);
        }
        Some((node, origin, report))
    }

    /// Whether a command waits for outcomes or for its report.
    pub(in crate::room) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether every command is open or has a report due, and every due report has a command.
    pub(in crate::room) fn is_consistent(&self, timers: &Timers) -> bool {
        let is_alive = |(version, pending): (&u64, &PendingReceipt)| {
            pending.is_open() || timers.get(Timer::Report(*version)).is_some()
        };
        self.completed.is_empty()
            && self.pending.iter().all(is_alive)
            && timers.armed(Timer::as_report).all(|version| self.pending.contains_key(&version))
            && self.pending.len() <= MAX_OPEN_VERBS
    }
}

impl PendingReceipt {
    /// Whether a target has no outcome yet.
    const fn is_open(&self) -> bool {
        self.counts.pending + self.counts.offline > 0
    }
}

fn counter(counts: &mut OutcomeCounts, outcome: Outcome) -> &mut u32 {
    match outcome {
        Outcome::Enforced => &mut counts.enforced,
        Outcome::Pending => &mut counts.pending,
        Outcome::Offline => &mut counts.offline,
        Outcome::Ignored => &mut counts.ignored,
    }
}

fn elapsed_since(at: Monotonic, now: Monotonic) -> u64 {
    u64::try_from(now.saturating_since(at).as_millis()).unwrap_or(u64::MAX)
}

fn audit(
    action: &ModerationAction,
    audit_target: &Target,
    counts: OutcomeCounts,
    now: Monotonic,
) -> Audit {
    Audit {
        version: action.version,
        command: action.command,
        by: action.by.clone(),
        username: action.username.clone(),
        server: action.server.clone(),
        target: audit_target.clone(),
        request: action.request.clone(),
        reason: action.reason.clone(),
        ref_: action.ref_.clone(),
        counts,
        elapsed_ms: elapsed_since(action.at, now),
    }
}

fn report<'a>(
    room: &RoomId,
    action: &ModerationAction,
    counts: OutcomeCounts,
    rows: impl Iterator<Item = &'a Receipt>,
    now: Monotonic,
) -> ModerationReport {
    ModerationReport {
        room: room.clone(),
        version: action.version,
        ref_: action.ref_.clone(),
        command: action.command,
        by: action.by.clone(),
        counts,
        targets: rows.take(MAX_REPORTED_TARGETS).cloned().collect(),
        elapsed_ms: elapsed_since(action.at, now),
    }
}
