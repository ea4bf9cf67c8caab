//! Events for the webhook endpoints of apps.
//!
//! Invariant: for an app without endpoints an event costs one check. Events contain usernames, because they go to the
//! app's own backend. Signals and other messages between participants are not events.
//! Not here: the choice of endpoints, and delivery (`webhook`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use stagedoor_proto::{Disconnect, Timestamp};

use super::context::Context;
use super::session_meta::SessionMeta;
use crate::event_type::EventType;
use crate::request::RequestId;
use crate::room::{Audit, RoomEvent, RoomKey};
use crate::store::{Block, BlockKind, NewMessages, UserKey};
use crate::webhook::{Event, QueuedMessages, Webhooks};

/// Queues events for the endpoints of apps. It takes no lock of the hub.
pub(super) struct Events {
    context: Arc<Context>,
    has_webhooks: AtomicBool,
}

impl Events {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let events = Self { context, has_webhooks: AtomicBool::new(false) };
        events.reload();
        events
    }

    /// Updates `has_endpoints`; call it after each change of endpoints.
    pub(super) fn reload(&self) {
        let has_webhooks = self.context.apps.values().any(|app| app.webhooks().is_some());
        self.has_webhooks.store(has_webhooks, Ordering::Relaxed);
    }

    /// The endpoints of an app, if it has any.
    pub(super) fn webhooks(&self, app: &str) -> Option<&Arc<Webhooks>> {
        let has_any = self.has_webhooks.load(Ordering::Relaxed);
        if has_any { self.context.app(app).and_then(|app| app.webhooks()) } else { None }
    }

    pub(super) fn session_started(&self, session: &SessionMeta, request: RequestId) {
        self.queue_session_event(session, EventType::SessionStarted, None, Some(request));
    }

    /// `request` is the request that ended the session, if one did.
    pub(super) fn session_ended(
        &self,
        session: &SessionMeta,
        ending: &Disconnect,
        request: Option<RequestId>,
    ) {
        self.queue_session_event(session, EventType::SessionEnded, Some(ending), request);
    }

    fn queue_session_event(
        &self,
        session: &SessionMeta,
        kind: EventType,
        ending: Option<&Disconnect>,
        request: Option<RequestId>,
    ) {
        let Some(webhooks) = self.webhooks(&session.user.app) else { return };
        let mut data = json!({
            "session": session.id,
            "username": session.user.username,
            "guest": session.guest,
            "instance": session.instance,
            "started_ms": session.started,
        });
        if let Some(ending) = ending {
            data["code"] = json!(ending.code);
            data["reason"] = json!(ending.code.reason());
        }
        let event = Event { request, ..event(kind, self.context.clock.wall(), data) };
        if let Some(queued) = webhooks.publish(&[event]) {
            // Not awaited: webhooks never delay a session.
            self.context.lifecycle.spawn(queued);
        }
    }

    /// The messages about a ban, to be written in one transaction with it.
    pub(super) fn prepare_ban(
        &self,
        user: &UserKey,
        block: &Block,
        request: Option<&RequestId>,
    ) -> Option<(NewMessages, QueuedMessages)> {
        let webhooks = self.webhooks(&user.app)?;
        if block.kind != BlockKind::Ban {
            return None;
        }
        let data = json!({
            "username": user.username,
            "reason": block.reason,
            "until_ms": block.until,
        });
        let event = event(EventType::UserBanned, block.since, data);
        webhooks.prepare(&[Event { request: request.cloned(), ..event }])
    }
}

/// The webhook event of a room event at this version of the room.
pub(super) fn of_room_event(
    happening: RoomEvent,
    key: &RoomKey,
    version: u64,
    now: Timestamp,
) -> Event {
    let mut connection_data = None;
    let (kind, data) = match happening {
        RoomEvent::Opened => (EventType::RoomOpened, json!({})),
        RoomEvent::Ended { by } => (EventType::RoomEnded, json!({ "by": by })),
        RoomEvent::Joined { participant, session } => {
            connection_data = participant.data;
            let data = json!({
                "participant": participant.id, "username": participant.username,
                "session": session, "role": participant.role,
            });
            (EventType::ParticipantJoined, data)
        }
        RoomEvent::Left { participant, username, session, reason } => {
            let data = json!({
                "participant": participant, "username": username, "session": session,
                "reason": reason,
            });
            (EventType::ParticipantLeft, data)
        }
        RoomEvent::Published { stream, username } => {
            let data = json!({
                "stream": stream.id, "participant": stream.participant, "username": username,
                "kind": stream.kind, "has_audio": stream.has_audio, "has_video": stream.has_video,
            });
            (EventType::StreamPublished, data)
        }
        RoomEvent::Unpublished { stream, participant, username, reason } => {
            let data = json!({
                "stream": stream, "participant": participant, "username": username,
                "reason": reason,
            });
            (EventType::StreamUnpublished, data)
        }
    };
    let room = Some((key.room.clone(), version));
    Event { room, connection_data, ..event(kind, now, data) }
}

/// The webhook event of a moderation command with its receipt so far, at the version of the command.
pub(super) fn of_moderation(row: &Audit, key: &RoomKey, now: Timestamp) -> Event {
    let data = json!({
        "by": row.by, "username": row.username, "target": row.target, "reason": row.reason,
        "ref": row.ref_, "counts": row.counts, "elapsed_ms": row.elapsed_ms,
    });
    let room = Some((key.room.clone(), row.version));
    let request = row.request.clone();
    Event { room, request, ..event(EventType::Moderation(row.command), now, data) }
}

fn event(kind: EventType, at: Timestamp, mut data: Value) -> Event {
    if let Value::Object(fields) = &mut data {
        // Unknown values are left out, as on the wire.
        fields.retain(|_, value| !value.is_null());
    }
    Event { kind, at, room: None, request: None, data, connection_data: None }
}
