//! Effects name the request that caused them; effects of timers name none.

use std::time::Duration;

use stagedoor_proto::{LayoutClasses, Role, Who};

use super::model::{HOME, START, join, kick, origin, publish, request, room_id, session, user};
use crate::request::RequestId;
use crate::room::{
    Appender, Caller, Effect, Entry, Expiry, OpenRoom, Origin, Room, RoomCommand, RoomEvent,
    RoomSettings, RoomToken,
};
use crate::time::Now;

const LIFE: Duration = Duration::from_secs(100);

/// A room that emits events.
struct EventLog(Room);

impl EventLog {
    /// An open room that ada joined with a token of [`LIFE`].
    fn with_ada() -> Self {
        let mut events = Self(Room::new(room_id()));
        let settings = RoomSettings { expiry: Expiry::Enforce, ..RoomSettings::default() };
        let open_room = OpenRoom { settings, ..OpenRoom::default() };
        events.step(Duration::ZERO, RoomCommand::Open(Box::new(open_room)));
        let mut ada = request(1, "ada", Role::Publisher);
        ada.token = Some(RoomToken {
            issued: START,
            expires: START + LIFE,
            jti: None,
            layout_classes: LayoutClasses::default(),
            app_moderator: false,
        });
        let by_ada = Some(of(1));
        let entered = events.step(Duration::ZERO, RoomCommand::Join(Box::new(ada)));
        assert_eq!(entered, [("joined", by_ada.clone()), ("opened", by_ada)]);
        events
    }

    /// The events and audit rows of the next entry, with their requests.
    fn step(
        &mut self,
        after: Duration,
        command: RoomCommand,
    ) -> Vec<(&'static str, Option<RequestId>)> {
        let (version, now) = (self.0.version() + 1, Now::aligned(START + after));
        let entry = Entry { version, now, origin: HOME, command };
        let events = self.0.apply(entry, true).into_iter().filter_map(|effect| match effect {
            Effect::Appender(Appender::Emit { event, request }) => Some((name_of(&event), request)),
            Effect::Appender(Appender::Audit(row)) => Some(("command", row.request)),
            _ => None,
        });
        events.collect()
    }
}

const fn name_of(event: &RoomEvent) -> &'static str {
    match event {
        RoomEvent::Opened => "opened",
        RoomEvent::Ended { .. } => "ended",
        RoomEvent::Joined { .. } => "joined",
        RoomEvent::Left { .. } => "left",
        RoomEvent::Published { .. } => "published",
        RoomEvent::Unpublished { .. } => "unpublished",
    }
}

/// The id of a session's first request.
fn of(n: u8) -> RequestId {
    RequestId::Session { session: session(n), number: 1 }
}

fn call() -> RequestId {
    RequestId::Call("abc".into())
}

#[test]
fn effects_of_a_call_name_its_request() {
    let mut room = EventLog::with_ada();
    assert_eq!(room.step(Duration::ZERO, publish(1, 1)), [("published", Some(of(1)))]);
    let events = room.step(
        Duration::ZERO,
        RoomCommand::Moderate {
            origin: Origin::Call(1),
            command: kick(Who::Username(user("ada")), None),
            server: Some(Caller { name: "backend".into(), request: call() }),
        },
    );
    let expected = ["unpublished", "left", "command", "ended"].map(|what| (what, Some(call())));
    assert_eq!(events, expected);
}

#[test]
fn leave_names_the_request_that_ended_the_session() {
    for cause in [Some(call()), None] {
        let mut room = EventLog::with_ada();
        let reason = stagedoor_proto::LeaveReason::Ended;
        let left =
            RoomCommand::Leave { session: session(1), reason, origin: None, cause: cause.clone() };
        let events = room.step(Duration::ZERO, left);
        assert_eq!(events, [("left", cause.clone()), ("ended", cause)]);
    }
}

#[test]
fn timer_effects_name_no_request() {
    let mut room = EventLog::with_ada();
    let events = room.step(LIFE, join(2, "bea", Role::Publisher));
    assert_eq!(events, [("left", None), ("joined", Some(of(2)))]);
    let mut room = EventLog::with_ada();
    let refused = RoomCommand::SetSessionFeed { origin: origin(9), enabled: true };
    assert_eq!(room.step(LIFE, refused), [("left", None), ("ended", None)]);
}
