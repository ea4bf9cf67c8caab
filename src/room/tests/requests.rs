//! What a room tells names the request that asked for it, and time's doing names none.

use std::time::Duration;

use stagedoor_proto::{LayoutClasses, Role, Who};

use super::world::{HOME, START, join, kick, origin, publish, request, room_id, session, user};
use crate::request::RequestId;
use crate::room::{
    Appender, Caller, Effect, Entry, Expiry, OpenRoom, Origin, Room, RoomCommand, RoomEvent,
    RoomSettings, RoomToken,
};

/// How long ada's token lives.
const LIFE: Duration = Duration::from_secs(100);

/// A room that tells what happens, with its log.
struct Told(Room);

impl Told {
    /// An open room that ada entered by a token of [`LIFE`].
    fn with_ada() -> Self {
        let mut told = Self(Room::new(room_id()));
        let settings = RoomSettings { expiry: Expiry::Enforce, ..RoomSettings::default() };
        let opening = OpenRoom { settings, ..OpenRoom::default() };
        told.step(Duration::ZERO, RoomCommand::Open(Box::new(opening)));
        let mut ada = request(1, "ada", Role::Publisher);
        ada.token = Some(RoomToken {
            issued: START,
            expires: START + LIFE,
            jti: None,
            layout_classes: LayoutClasses::default(),
        });
        let by_ada = Some(of(1));
        let entered = told.step(Duration::ZERO, RoomCommand::Join(Box::new(ada)));
        assert_eq!(entered, [("joined", by_ada.clone()), ("opened", by_ada)]);
        told
    }

    /// What is told of the next entry, with the request of each.
    fn step(
        &mut self,
        after: Duration,
        command: RoomCommand,
    ) -> Vec<(&'static str, Option<RequestId>)> {
        let (version, now) = (self.0.version() + 1, START + after);
        let entry = Entry { version, now, origin: HOME, command };
        let told = self.0.apply(entry, true).into_iter().filter_map(|effect| match effect {
            Effect::Appender(Appender::Emit { event, request }) => Some((name_of(&event), request)),
            Effect::Appender(Appender::Audit(row)) => Some(("verb", row.request)),
            _ => None,
        });
        told.collect()
    }
}

const fn name_of(happening: &RoomEvent) -> &'static str {
    match happening {
        RoomEvent::Opened => "opened",
        RoomEvent::Ended { .. } => "ended",
        RoomEvent::Joined { .. } => "joined",
        RoomEvent::Left { .. } => "left",
        RoomEvent::Published { .. } => "published",
        RoomEvent::Unpublished { .. } => "unpublished",
    }
}

/// The request of a session, as the commands of these tests have it.
fn of(n: u8) -> RequestId {
    RequestId::Session { session: session(n), number: 1 }
}

fn call() -> RequestId {
    RequestId::Call("abc".into())
}

#[test]
fn a_call_is_named_in_all_that_its_verb_brings_about() {
    let mut room = Told::with_ada();
    assert_eq!(room.step(Duration::ZERO, publish(1, 1)), [("published", Some(of(1)))]);
    let told = room.step(
        Duration::ZERO,
        RoomCommand::Moderate {
            origin: Origin::Call(1),
            verb: kick(Who::Username(user("ada")), None),
            server: Some(Caller { name: "backend".into(), request: call() }),
        },
    );
    let expected = ["unpublished", "left", "verb", "ended"].map(|what| (what, Some(call())));
    assert_eq!(told, expected);
}

#[test]
fn a_session_that_a_request_ended_leaves_by_that_request() {
    for cause in [Some(call()), None] {
        let mut room = Told::with_ada();
        let reason = stagedoor_proto::LeaveReason::Ended;
        let left =
            RoomCommand::Leave { session: session(1), reason, origin: None, cause: cause.clone() };
        let told = room.step(Duration::ZERO, left);
        assert_eq!(told, [("left", cause.clone()), ("ended", cause)]);
    }
}

#[test]
fn what_time_brings_about_is_not_laid_on_the_request_that_comes_with_it() {
    let mut room = Told::with_ada();
    let told = room.step(LIFE, join(2, "bea", Role::Publisher));
    assert_eq!(told, [("left", None), ("joined", Some(of(2)))]);
    let mut room = Told::with_ada();
    let refused = RoomCommand::Watch { origin: origin(9), on: true };
    assert_eq!(room.step(LIFE, refused), [("left", None), ("ended", None)]);
}
