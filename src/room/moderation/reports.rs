//! Reports of moderation commands.

use crate::room::effect::{Appender, Effects, Everywhere};
use crate::room::log::origin::Origin;
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
            out.add(Everywhere::Report { node, origin, report: Box::new(report) });
        }
    }
    for audit in state.receipts.take_completed() {
        out.add(Appender::Audit(Box::new(audit)));
    }
}
