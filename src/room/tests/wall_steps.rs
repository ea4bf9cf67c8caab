//! A step of the wall clock moves what ends by the wall clock, and no timer.

use std::time::Duration;

use stagedoor_proto::{LayoutClasses, Link, MuteTarget, Role, SessionId, Timestamp};

use super::model::{
    HOME, join, link, mute_of, origin, publish, request, room_id, session, stream_id, user,
};
use crate::principal::NameCoverage;
use crate::room::settings::{ACKNOWLEDGE_TIMEOUT, STEP_GRACE};
use crate::room::{
    BlockRow, DurableState, Effect, Entry, Everywhere, Expiry, Moderation, OpenRoom, Room,
    RoomCommand, RoomSettings, RoomToken,
};
use crate::time::{Monotonic, Now};

const START: Now =
    Now { wall: Timestamp::from_secs(1_000_000), monotonic: Monotonic::from_millis(7_000) };
const DAY: Duration = Duration::from_hours(24);

/// A room with its own two clocks.
struct Log {
    room: Room,
    now: Now,
}

impl Log {
    fn new(durable_state: DurableState) -> Self {
        let settings = RoomSettings { expiry: Expiry::Enforce, ..RoomSettings::default() };
        let mut log = Self { room: Room::new(room_id()), now: START };
        log.step(RoomCommand::Open(Box::new(OpenRoom { settings, durable_state })));
        log
    }

    fn step(&mut self, command: RoomCommand) -> Vec<Effect> {
        let version = self.room.version() + 1;
        let entry = Entry { version, now: self.now, origin: HOME, command };
        let effects = self.room.apply(entry, false);
        self.room.check_invariants().expect("the invariants hold");
        effects
    }

    fn join_with_token(&mut self, life: Duration) {
        let mut ada = request(1, "ada", Role::Publisher);
        ada.token = Some(RoomToken {
            issued: self.now.wall,
            expires: self.now.wall + life,
            jti: None,
            layout_classes: LayoutClasses::default(),
            app_moderator: false,
        });
        self.step(RoomCommand::Join(Box::new(ada)));
    }

    fn is_present(&self, session: SessionId) -> bool {
        self.room.participant_of(session).is_some()
    }

    /// The names of the pushes that time brings: the monotonic clock advances, the wall clock shows `wall`.
    fn tick(&mut self, monotonic: Duration, wall: Timestamp) -> Vec<&'static str> {
        self.now = Now { wall, monotonic: self.now.monotonic + monotonic };
        names(&self.step(RoomCommand::Tick))
    }
}

fn names(effects: &[Effect]) -> Vec<&'static str> {
    let push = |effect: &Effect| match effect {
        Effect::Everywhere(Everywhere::Push { push, .. }) => Some(push.name()),
        _ => None,
    };
    effects.iter().filter_map(push).collect()
}

#[test]
fn step_past_a_token_end_warns_and_gives_a_minute() {
    let mut log = Log::new(DurableState::default());
    log.join_with_token(Duration::from_hours(1));
    let stepped = START.wall + DAY;
    assert_eq!(log.tick(Duration::ZERO, stepped), ["token_expiring"]);
    let just_before = STEP_GRACE.saturating_sub(Duration::from_millis(1));
    assert!(log.tick(just_before, stepped + just_before).is_empty());
    assert!(log.is_present(session(1)));
    let ended = log.tick(Duration::from_millis(1), stepped + STEP_GRACE);
    assert_eq!(ended, ["removed", "participant_left"]);
    assert!(!log.is_present(session(1)));
}

#[test]
fn step_back_moves_the_end_of_a_membership() {
    let mut log = Log::new(DurableState::default());
    log.join_with_token(Duration::from_secs(100));
    let minute = Duration::from_mins(1);
    assert!(log.tick(Duration::ZERO, START.wall - minute).is_empty());
    assert_eq!(log.room.next_due().wall, START.wall + Duration::from_secs(80));
    assert!(log.tick(Duration::from_secs(100), START.wall + Duration::from_secs(40)).is_empty());
    assert_eq!(
        log.tick(minute, START.wall + Duration::from_secs(100)),
        ["removed", "participant_left"]
    );
}

#[test]
fn step_leaves_acknowledgements_alone() {
    for wall in [START.wall + DAY, START.wall - Duration::from_mins(1)] {
        let mut log = Log::new(DurableState::default());
        log.step(join(1, "mod", Role::Moderator));
        log.step(join(2, "ada", Role::Publisher));
        log.step(publish(2, 2));
        let mute = Moderation::ForceMute(mute_of(MuteTarget::Stream(stream_id(2)), false));
        log.step(RoomCommand::Moderate { origin: origin(1), command: mute, server: None });
        let due = log.room.next_due();
        let just_before = ACKNOWLEDGE_TIMEOUT.saturating_sub(Duration::from_millis(1));
        log.tick(just_before, wall);
        assert!(log.room.has_stream(stream_id(2)), "not early");
        assert_eq!(log.room.next_due(), due, "not late");
        log.tick(Duration::from_millis(1), wall);
        assert!(!log.room.has_stream(stream_id(2)));
    }
}

#[test]
fn user_who_joined_after_a_block_stays_at_a_step_back() {
    let row = BlockRow {
        username: user("ada"),
        instances: [].into(),
        name: NameCoverage::All,
        until: START.wall + Duration::from_secs(10),
        blocks: Vec::new(),
    };
    let blocks = vec![row];
    let mut log = Log::new(DurableState { blocks, ..DurableState::default() });
    log.step(join(1, "ada", Role::Publisher));
    assert!(!log.is_present(session(1)), "blocked");
    log.tick(Duration::from_secs(10), START.wall + Duration::from_secs(10));
    log.step(join(1, "ada", Role::Publisher));
    log.tick(Duration::ZERO, START.wall);
    log.step(link(session(1), Link::Suspended));
    assert!(log.is_present(session(1)));
}
