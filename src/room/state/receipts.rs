//! Outcomes and reports of moderation commands.
//!
//! A command whose targets need not answer is reported once; others are tracked until every target has answered or is
//! gone. The first report and the first change after it are immediate; later ones come at most every
//! [`BATCH_INTERVAL`]. The last report to a waiting call is immediate.
//!
//! Invariant: a tracked command awaits an answer or has a report due. Not here: which outcome follows from the state of
//! a target, and how long an answer may take (`acks`).

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
    pub(in crate::room) targets: Vec<TargetProgress>,
}

/// The initial outcome of a command at one target.
#[derive(Clone, Debug)]
pub(in crate::room) struct TargetProgress {
    pub(in crate::room) target: Target,
    pub(in crate::room) outcome: Outcome,
    /// Whether the owner of the stream has to answer, which may change the outcome.
    pub(in crate::room) is_awaited: bool,
}

impl TargetProgress {
    /// The command was enforced at this target.
    pub(in crate::room) const fn enforced(target: Target) -> Self {
        Self { target, outcome: Outcome::Enforced, is_awaited: false }
    }
}

impl ModerationProgress {
    /// A command that was enforced at once on a single target.
    pub(in crate::room) fn done(audit_target: Target) -> Self {
        let targets = vec![TargetProgress::enforced(audit_target.clone())];
        Self { audit_target, targets, ..Self::default() }
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
    /// The counts in the audit row of the command.
    audited: OutcomeCounts,
    /// Targets that are unanswered or not enforced; a single target in any case.
    rows: BTreeMap<StreamId, Row>,
    unanswered: usize,
    is_sole: bool,
    /// When a changed outcome was reported last.
    reported: Option<Monotonic>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    receipt: Receipt,
    is_awaited: bool,
}

/// Commands with open receipts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Receipts {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pending: BTreeMap<u64, PendingReceipt>,
    /// Audit rows of commands whose last answer came with this entry. Empty between entries.
    #[serde(skip)]
    completed: Vec<Audit>,
}

impl Receipts {
    /// Whether another command whose targets have to answer is rejected. Requests, which people answer, leave half of
    /// the space to mutes.
    pub(in crate::room) fn is_full(&self, is_request: bool) -> bool {
        self.pending.len() >= if is_request { MAX_OPEN_VERBS / 2 } else { MAX_OPEN_VERBS }
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
        for target in &progress.targets {
            *counter(&mut counts, target.outcome) += 1;
        }
        let rows = progress.targets.into_iter().map(|target| {
            let TargetProgress { target, outcome, is_awaited } = target;
            Row { receipt: Receipt { target, outcome, elapsed_ms: 0 }, is_awaited }
        });
        let rows: Vec<Row> = rows.collect();
        let audit = audit(&action, &progress.audit_target, counts, None, action.at);
        let listed = rows.iter().filter(|row| row.is_listed(is_sole)).map(|row| &row.receipt);
        let report = report(room, &action, counts, listed, action.at);
        let unanswered = rows.iter().filter(|row| row.is_awaited).count();
        if unanswered > 0 {
            let retained = rows.into_iter().filter(|row| row.is_awaited || row.is_listed(is_sole));
            let rows = retained.filter_map(|row| Some((row.receipt.target.stream?, row)));
            let rows = rows.collect();
            let (version, audited) = (action.version, counts);
            let pending = PendingReceipt {
                action,
                audit_target: progress.audit_target,
                counts,
                audited,
                rows,
                unanswered,
                is_sole,
                reported: None,
            };
            self.pending.insert(version, pending);
        }
        (report, audit)
    }

    /// Records an outcome of a target, which is `final` once its owner answered. After the last answer the audit row is
    /// complete.
    pub(in crate::room) fn record_outcome(
        &mut self,
        version: u64,
        stream: StreamId,
        outcome: Outcome,
        is_final: bool,
        now: Monotonic,
        timers: &mut Timers,
    ) {
        let Some(pending) = self.pending.get_mut(&version) else { return };
        let Some(row) = pending.rows.get_mut(&stream).filter(|row| row.is_awaited) else { return };
        let former = std::mem::replace(&mut row.receipt.outcome, outcome);
        if former != outcome {
            *counter(&mut pending.counts, former) -= 1;
            *counter(&mut pending.counts, outcome) += 1;
            row.receipt.elapsed_ms = elapsed_since(pending.action.at, now);
        }
        if is_final {
            row.is_awaited = false;
            pending.unanswered -= 1;
        }
        if !row.is_awaited && !row.is_listed(pending.is_sole) {
            pending.rows.remove(&stream);
        }
        let timer = Timer::Report(version);
        if former != outcome {
            let due = pending.report_due(now);
            if timers.get(timer).is_none_or(|known| due < known) {
                timers.set(timer, due);
            }
        }
        if pending.unanswered > 0 {
            return;
        }
        if pending.counts != pending.audited {
            let former = Some(pending.audited);
            let row = audit(&pending.action, &pending.audit_target, pending.counts, former, now);
            self.completed.push(row);
        }
        if timers.get(timer).is_none() {
            self.pending.remove(&version);
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
        pending.reported = Some(now);
        let listed = pending.rows.values().filter(|row| row.is_listed(pending.is_sole));
        let listed = listed.map(|row| &row.receipt);
        let report = report(room, &pending.action, pending.counts, listed, now);
        let (node, origin) = (pending.action.node, pending.action.origin);
        if pending.unanswered == 0 {
            self.pending.remove(&version);
        }
        Some((node, origin, report))
    }

    /// Whether a command waits for answers or for its report.
    pub(in crate::room) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether a command awaits the answer of a stream's owner.
    pub(in crate::room) fn is_open(&self, version: u64, stream: StreamId) -> bool {
        let row = self.pending.get(&version).and_then(|pending| pending.rows.get(&stream));
        row.is_some_and(|row| row.is_awaited)
    }

    /// Whether every command awaits an answer or has a report due, and every due report has a command.
    pub(in crate::room) fn is_consistent(&self, timers: &Timers) -> bool {
        let is_alive = |(version, pending): (&u64, &PendingReceipt)| {
            let unanswered = pending.rows.values().filter(|row| row.is_awaited).count();
            unanswered == pending.unanswered
                && (unanswered > 0 || timers.get(Timer::Report(*version)).is_some())
        };
        self.completed.is_empty()
            && self.pending.iter().all(is_alive)
            && timers.armed(Timer::as_report).all(|version| self.pending.contains_key(&version))
            && self.pending.len() <= MAX_OPEN_VERBS
    }
}

impl Row {
    /// Whether reports list the target.
    fn is_listed(&self, is_sole: bool) -> bool {
        is_sole || self.receipt.outcome != Outcome::Enforced
    }
}

impl PendingReceipt {
    /// When to report a change of an outcome.
    fn report_due(&self, now: Monotonic) -> Monotonic {
        // A call waits until no outcome is pending, so that is not batched.
        let is_call = matches!(self.action.origin, Origin::Call(_));
        let is_settled = self.counts.pending + self.counts.offline == 0;
        match self.reported {
            Some(reported) if !(is_call && is_settled) => now.max(reported + BATCH_INTERVAL),
            Some(_) | None => now,
        }
    }
}

fn counter(counts: &mut OutcomeCounts, outcome: Outcome) -> &mut u32 {
    match outcome {
        Outcome::Enforced => &mut counts.enforced,
        Outcome::Pending => &mut counts.pending,
        Outcome::Offline => &mut counts.offline,
        Outcome::Declined => &mut counts.declined,
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
    former: Option<OutcomeCounts>,
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
        former,
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
        // Set by the node that writes what the command changed.
        durable: false,
    }
}
