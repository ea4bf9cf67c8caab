//! Notifies rooms of changes of their sessions, through the rooms' logs.
//!
//! Each room is notified of the link and the state of a session. One caller at a time does it per session, and
//! checks for further changes at the end, so that the last update of a room has the current state.

use std::sync::Arc;

use stagedoor_proto::{OwnParticipant, RoomId, Scope};

use super::Rooms;
use super::fan_out::push_reset;
use super::handle::RoomHandle;
use super::metrics::count_reset;
use crate::hub::context::Context;
use crate::hub::session_meta::AuthContext;
use crate::hub::sessions::{Memberships, PendingUpdate, SessionHandle, SessionObserver};
use crate::room::{Audience, RoomCommand, ScopeSet, SessionGrant};
use crate::session::Session;

impl SessionObserver for Rooms {
    fn session_changed(&self, session: &Arc<SessionHandle>) {
        self.reconcile_memberships(session);
        if session.update(Session::take_reset) {
            self.send_resets(session);
        }
    }
}

impl Rooms {
    /// Must not be called while effects execute, because it appends.
    fn reconcile_memberships(&self, session: &Arc<SessionHandle>) {
        let id = session.id();
        while let Some((tag, update)) = session.update_memberships(Memberships::begin_update) {
            // The room was removed and does not know the session any more.
            if let Some(room) = self.registry.find_by_tag(tag) {
                let key = room.key();
                match update {
                    PendingUpdate::Ended { ending, cause } => {
                        let reason = ending.code.leave_reason();
                        let leave = RoomCommand::Leave { session: id, reason, origin: None, cause };
                        self.append(key, leave);
                    }
                    PendingUpdate::Changed { link, state, has_new_grant } => {
                        if let Some(link) = link {
                            let (home, generation) = (self.node(), session.activity().held_by());
                            let generation = generation.unwrap_or_default();
                            let link = RoomCommand::Link { session: id, link, home, generation };
                            self.append(key, link);
                        }
                        if has_new_grant {
                            let grant = grant_in(session, &key.room);
                            self.append(key, RoomCommand::Authorize { session: id, grant });
                        }
                        if let Some(state) = state {
                            let changed = RoomCommand::SessionState { session: id, state };
                            self.append(key, changed);
                        }
                    }
                }
            }
            session.update_memberships(|rooms, _| rooms.finish_update());
        }
    }

    /// The rooms of a session, and its participants there.
    pub(in crate::hub) fn own_participants(&self, session: &SessionHandle) -> Vec<OwnParticipant> {
        let tags = session.update_memberships(|rooms, _| rooms.tags());
        let rooms = tags.iter().filter_map(|tag| self.registry.find_by_tag(*tag));
        rooms.filter_map(|room| room.lock().room.own_participant(session.id())).collect()
    }

    /// Sends a session new snapshots of its rooms, in place of missed updates.
    fn send_resets(&self, session: &Arc<SessionHandle>) {
        for tag in session.update_memberships(|rooms, _| rooms.tags()) {
            if let Some(room) = self.registry.find_by_tag(tag) {
                send_reset(&self.context, session, &room);
            }
        }
    }
}

/// What a session's grant allows in a room.
fn grant_in(session: &SessionHandle, room: &RoomId) -> SessionGrant {
    let AuthContext { grant, version, .. } = session.auth();
    let may_join = grant.permit(Scope::Join).is_ok();
    SessionGrant {
        version,
        role: grant.role_in(room).filter(|_| may_join),
        scopes: ScopeSet::from(grant.scopes.as_ref()),
        app_moderator: grant.app_moderator,
    }
}

/// Sends a session a fresh snapshot of one room.
pub(super) fn send_reset(context: &Context, session: &SessionHandle, room: &RoomHandle) {
    let inner = room.lock();
    if let Ok(snapshot) = inner.room.snapshot_for(session.id()) {
        count_reset(&context.metrics, &snapshot);
        push_reset(context, room, &inner, &Audience::One(session.id()), &snapshot);
    }
}
