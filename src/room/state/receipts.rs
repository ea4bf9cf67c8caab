//! What becomes of each verb at each target, and the reports of it.
//!
//! A verb whose targets are all done is reported once; one with targets still to answer is tracked until they did. Of
//! each verb a report goes out at once, and then at most each [`BATCH_INTERVAL`] while outcomes change; the last one of a
//! call, which is waited for, at once.
//!
//! Invariant: a tracked verb has an open target, or a report still to be sent. Not here: when a target counts as having
//! ignored a mute (`mute`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Actor, ModerationReport, Outcome, OutcomeCounts, Reason, Receipt, Ref, RoomId, StreamId,
    Target, Timestamp, Username, Verb,
};

use crate::request::RequestId;
use crate::room::effect::Audit;
use crate::room::log::origin::{NodeEpoch, Origin};
use crate::room::settings::{BATCH_INTERVAL, MAX_OPEN_VERBS, MAX_REPORTED_TARGETS};

/// Whom a verb concerned and what became of it at once.
#[derive(Clone, Debug, Default)]
pub(in crate::room) struct ModerationProgress {
    /// Whom it was aimed at, as the audit log tells it.
    pub(in crate::room) aim: Target,
    /// Targets that need not be told one by one.
    pub(in crate::room) enforced: u32,
    /// The others.
    pub(in crate::room) targets: Vec<(Target, Outcome)>,
    /// Whether open targets will answer; those of a mere question need not.
    pub(in crate::room) is_tracked: bool,
}

impl ModerationProgress {
    /// A verb that the gateway did by itself, at one target.
    pub(in crate::room) fn done(aim: Target) -> Self {
        Self { targets: vec![(aim.clone(), Outcome::Enforced)], aim, ..Self::default() }
    }

    pub(in crate::room) fn len(&self) -> u32 {
        self.enforced.saturating_add(u32::try_from(self.targets.len()).unwrap_or(u32::MAX))
    }
}

/// Which verb, whose, when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct ModerationAction {
    pub(in crate::room) version: u64,
    pub(in crate::room) verb: Verb,
    pub(in crate::room) by: Actor,
    pub(in crate::room) username: Option<Username>,
    pub(in crate::room) server: Option<Box<str>>,
    /// The node that appended it.
    pub(in crate::room) node: NodeEpoch,
    pub(in crate::room) origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::room) request: Option<RequestId>,
    pub(in crate::room) ref_: Option<Ref>,
    pub(in crate::room) reason: Option<Reason>,
    pub(in crate::room) at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PendingReceipt {
    deed: ModerationAction,
    aim: Target,
    counts: OutcomeCounts,
    /// Targets that are open or ignored it; the sole target of a verb whatever became of it.
    rows: BTreeMap<StreamId, Receipt>,
    is_sole: bool,
    reported: Timestamp,
    /// When the next report is due, if anything changed since the last.
    due: Option<Timestamp>,
}

/// All verbs whose receipts are open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Receipts {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    verbs: BTreeMap<u64, PendingReceipt>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    due: BTreeSet<(Timestamp, u64)>,
}

impl Receipts {
    pub(in crate::room) fn is_full(&self) -> bool {
        self.verbs.len() >= MAX_OPEN_VERBS
    }

    pub(in crate::room) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes a verb in: its first report and its row in the audit log.
    pub(in crate::room) fn begin(
        &mut self,
        room: &RoomId,
        deed: ModerationAction,
        tally: ModerationProgress,
    ) -> (ModerationReport, Audit) {
        let is_sole = tally.len() == 1;
        let mut counts = OutcomeCounts { enforced: tally.enforced, ..OutcomeCounts::default() };
        for (_, outcome) in &tally.targets {
            *counter(&mut counts, *outcome) += 1;
        }
        let is_told = |outcome: Outcome| is_sole || outcome != Outcome::Enforced;
        let told = tally.targets.into_iter().filter(|(_, outcome)| is_told(*outcome));
        let receipts: Vec<Receipt> =
            told.map(|(target, outcome)| Receipt { target, outcome, elapsed_ms: 0 }).collect();
        let audit = audit(&deed, &tally.aim, counts, deed.at);
        let report = report(room, &deed, counts, receipts.iter(), deed.at);
        if tally.is_tracked && counts.pending + counts.offline > 0 {
            let rows =
                receipts.into_iter().filter_map(|receipt| Some((receipt.target.stream?, receipt)));
            let rows = rows.collect();
            let (version, reported) = (deed.version, deed.at);
            let tracked =
                PendingReceipt { deed, aim: tally.aim, counts, rows, is_sole, reported, due: None };
            self.verbs.insert(version, tracked);
        }
        (report, audit)
    }

    /// Another outcome at one target; the audit row when that was the last open one.
    pub(in crate::room) fn change(
        &mut self,
        version: u64,
        stream: StreamId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Option<Audit> {
        let tracked = self.verbs.get_mut(&version)?;
        let row = tracked.rows.get_mut(&stream)?;
        if row.outcome == outcome {
            return None;
        }
        *counter(&mut tracked.counts, row.outcome) -= 1;
        *counter(&mut tracked.counts, outcome) += 1;
        row.outcome = outcome;
        row.elapsed_ms = since(tracked.deed.at, now);
        if outcome == Outcome::Enforced && !tracked.is_sole {
            tracked.rows.remove(&stream);
        }
        let is_settled = tracked.counts.pending + tracked.counts.offline == 0;
        // A call waits for its last outcome, after which there is none to batch it with.
        let is_awaited = is_settled && matches!(tracked.deed.origin, Origin::Call(_));
        let due = if is_awaited { now } else { now.max(tracked.reported + BATCH_INTERVAL) };
        if tracked.due.is_none_or(|known| due < known) {
            if let Some(known) = tracked.due.replace(due) {
                self.due.remove(&(known, version));
            }
            self.due.insert((due, version));
        }
        is_settled.then(|| audit(&tracked.deed, &tracked.aim, tracked.counts, now))
    }

    /// The next report that is due by now, and who waits for it.
    pub(in crate::room) fn poll_report(
        &mut self,
        room: &RoomId,
        now: Timestamp,
    ) -> Option<(NodeEpoch, Origin, ModerationReport)> {
        let (at, version) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        let tracked = self.verbs.get_mut(&version)?;
        (tracked.due, tracked.reported) = (None, now);
        let report = report(room, &tracked.deed, tracked.counts, tracked.rows.values(), now);
        let (node, origin) = (tracked.deed.node, tracked.deed.origin);
        if tracked.counts.pending + tracked.counts.offline == 0 {
            self.verbs.remove(&version);
        }
        Some((node, origin, report))
    }

    /// Whether every tracked verb is open or still to be reported, and the queue of reports is theirs.
    pub(in crate::room) fn is_consistent(&self) -> bool {
        let queued = self.verbs.values().filter(|tracked| tracked.due.is_some()).count();
        let is_alive = |tracked: &PendingReceipt| {
            tracked.due.is_some() || tracked.counts.pending + tracked.counts.offline > 0
        };
        queued == self.due.len()
            && self.verbs.values().all(is_alive)
            && self.verbs.len() <= MAX_OPEN_VERBS
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

fn since(at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.saturating_since(at).as_millis()).unwrap_or(u64::MAX)
}

fn audit(deed: &ModerationAction, aim: &Target, counts: OutcomeCounts, now: Timestamp) -> Audit {
    Audit {
        version: deed.version,
        verb: deed.verb,
        by: deed.by.clone(),
        username: deed.username.clone(),
        server: deed.server.clone(),
        target: aim.clone(),
        request: deed.request.clone(),
        reason: deed.reason.clone(),
        ref_: deed.ref_.clone(),
        counts,
        elapsed_ms: since(deed.at, now),
    }
}

fn report<'a>(
    room: &RoomId,
    deed: &ModerationAction,
    counts: OutcomeCounts,
    rows: impl Iterator<Item = &'a Receipt>,
    now: Timestamp,
) -> ModerationReport {
    ModerationReport {
        room: room.clone(),
        version: deed.version,
        ref_: deed.ref_.clone(),
        verb: deed.verb,
        by: deed.by.clone(),
        counts,
        targets: rows.take(MAX_REPORTED_TARGETS).cloned().collect(),
        elapsed_ms: since(deed.at, now),
    }
}
