//! Reports of moderation commands.

use stagedoor_proto::{ModerationReport, Push};

use crate::room::effect::{Appender, Audience, Effects, Everywhere};
use crate::room::log::origin::{NodeEpoch, Origin};
use crate::room::state::RoomState;
use crate::room::state::timers::Timer;

/// Sends due reports, unless the recipient lost the permission to moderate.
pub(in crate::room) fn send_reports(state: &mut RoomState, out: &mut Effects) {
    while let Some(version) = state.timers.pop_due(state.now.monotonic, Timer::as_report) {
        let report = state.receipts.report(version, &state.id, state.now.monotonic);
        let Some((node, origin, report)) = report else { continue };
        let may_know = match origin {
            Origin::Session { .. } => {
                state.requester(origin).is_ok_and(|member| member.capabilities.moderate)
            }
            Origin::Call(_) => true,
        };
        if may_know {
            send_report(node, origin, report, out);
        }
    }
    for audit in state.receipts.take_completed() {
        out.add(Appender::Audit(Box::new(audit)));
    }
}

/// Sends a report to the session of the command, or to the call on its node.
pub(in crate::room) fn send_report(
    node: NodeEpoch,
    origin: Origin,
    report: ModerationReport,
    out: &mut Effects,
) {
    match origin {
        Origin::Session { session, .. } => {
            out.push(Audience::One(session), Push::Moderation(report));
        }
        Origin::Call(call) => {
            out.add(Everywhere::Report { node, call, report: Box::new(report) });
        }
    }
}
