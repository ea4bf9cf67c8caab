//! Large rooms: listing, counts, and the size of messages.

use stagedoor_proto::{Counts, Push, Role};

use super::world::{World, join, leave, publish, request, role_of, session};
use crate::room::{DurableState, RoomCommand, RoomSettings};

fn small() -> World {
    World::with(
        RoomSettings { roster_limit: 4, ..RoomSettings::default() },
        DurableState::default(),
    )
}

#[test]
fn crossing_the_roster_limit_resets_everyone() {
    let mut world = small();
    world.join(1, "mod", Role::Moderator);
    for n in 2..=4 {
        assert_eq!(
            world.step(join(n, &format!("user-{n}"), Role::Publisher)).names(),
            ["participant_joined"]
        );
    }
    let outcome = world.step(join(5, "user-5", Role::Publisher));
    assert!(outcome.names().into_iter().all(|name| name == "room_reset"), "{:?}", outcome.names());
    let joined = outcome.joined().room;
    assert!(joined.large && joined.participants.len() == 1, "only the moderator is listed");
    for n in [5, 4] {
        assert!(!world.step(leave(n)).names().contains(&"room_reset"));
    }
    world.step(leave(3));
    assert!(world.clients[&session(2)].is_large, "two are half of four");
    assert!(world.step(leave(2)).names().contains(&"room_reset"));
    assert!(!world.clients[&session(1)].is_large);
}

#[test]
fn in_a_large_room_publishers_are_announced_and_the_rest_is_counted_once_a_second() {
    let mut world = small();
    for n in 1..=5 {
        world.join(n, &format!("user-{n}"), Role::Publisher);
    }
    world.wait(1_000);
    assert_eq!(world.step(join(6, "user-6", Role::Publisher)).names(), ["counts"]);
    for n in 7..=9 {
        assert!(world.step(join(n, &format!("user-{n}"), Role::Publisher)).names().is_empty());
    }
    let outcome = world.wait(1_000);
    let actual: Vec<_> = outcome
        .pushes()
        .into_iter()
        .filter_map(|push| match push {
            Push::Counts(body) => Some(body.counts),
            _ => None,
        })
        .collect();
    assert_eq!(actual, [Counts { participants: 9, publishers: 0, streams: 0 }]);
    world.wait(1_000);
    let names = world.step(publish(9, 1)).names();
    assert_eq!(names, ["participant_joined", "stream_published", "counts"]);
    assert_eq!(world.clients[&session(1)].participants.len(), 1);
}

#[test]
fn only_moderators_page_through_a_large_room() {
    let mut world = small();
    world.join(1, "mod", Role::Moderator);
    for n in 2..=9 {
        world.join(n, &format!("user-{n}"), Role::Publisher);
    }
    for (n, listed) in [(1, 9), (2, 1)] {
        let page = world.local.roster(&world.room, session(n), None, world.now).expect("a page");
        assert_eq!((page.participants.len(), page.next), (listed, None));
        let error =
            world.local.roster(&world.room, session(n), None, world.now).expect_err("too soon");
        assert_eq!(error.retry_after_ms, Some(5_000));
    }
}

#[test]
fn promotion_lists_and_demotion_unlists_in_a_large_room() {
    let mut world = small();
    world.join(1, "mod", Role::Moderator);
    for n in 2..=6 {
        world.join(
            n,
            &format!("user-{n}"),
            if n == 3 { Role::PublisherOnly } else { Role::Publisher },
        );
    }
    world.step(publish(4, 4));
    for n in [4, 5] {
        world.moderate(1, role_of(n, Role::Moderator));
    }
    for n in [2, 3] {
        assert_eq!(world.clients[&session(n)].participants.len(), 3, "moderators 1, 4 and 5");
    }
    for n in [4, 5] {
        world.moderate(1, role_of(n, Role::Publisher));
    }
    assert_eq!(world.clients[&session(2)].participants.len(), 2, "1, and 4 for its stream");
    assert_eq!(world.clients[&session(3)].participants.len(), 1, "1 alone");
}

#[test]
fn long_snapshot_is_truncated_and_paged() {
    let mut world = World::new();
    // Each of its 1000 characters takes six bytes on the wire: 150 participants exceed a message.
    for n in 1..=150 {
        let mut request = request(n, &format!("user-{n}"), Role::Publisher);
        request.data = Some("\u{1}".repeat(1_000));
        let entry = crate::room::Entry {
            version: 1_000 + u64::from(n),
            now: world.now,
            origin: super::world::HOME,
            command: RoomCommand::Join(Box::new(request)),
        };
        world.room.apply(entry, false);
    }
    let snapshot = world.room.snapshot_for(session(1)).expect("in the room");
    let (mut seen, mut next) = (snapshot.participants.clone(), snapshot.next.clone());
    let push =
        Push::RoomReset(stagedoor_proto::RoomReset { room: super::world::room_id(), snapshot });
    assert!(stagedoor_proto::encode_push(&push).len() <= 256 * 1024);
    assert!(next.is_some());
    while let Some(after) = next {
        let page =
            world.local.roster(&world.room, session(1), Some(&after), world.now).expect("a page");
        seen.extend(page.participants);
        next = page.next;
    }
    seen.dedup_by_key(|person| person.id);
    assert_eq!(seen.len(), 150, "everybody once, with no gap");
}
