//! Large rooms: listing, counts, and the size of messages.

use stagedoor_proto::{Counts, Push, Role};

use super::model::{RoomModel, join, leave, publish, request, role_of, session};
use crate::room::{DurableState, RoomCommand, RoomSettings};

fn small() -> RoomModel {
    RoomModel::with(
        RoomSettings { roster_limit: 4, ..RoomSettings::default() },
        DurableState::default(),
    )
}

#[test]
fn crossing_the_roster_limit_resets_everyone() {
    let mut model = small();
    model.join(1, "mod", Role::Moderator);
    for n in 2..=4 {
        assert_eq!(
            model.step(join(n, &format!("user-{n}"), Role::Publisher)).names(),
            ["participant_joined"]
        );
    }
    let outcome = model.step(join(5, "user-5", Role::Publisher));
    assert!(outcome.names().into_iter().all(|name| name == "room_reset"), "{:?}", outcome.names());
    let joined = outcome.joined().room;
    assert!(joined.is_large && joined.participants.len() == 1, "only the moderator is listed");
    for n in [5, 4] {
        assert!(!model.step(leave(n)).names().contains(&"room_reset"));
    }
    model.step(leave(3));
    assert!(model.clients[&session(2)].is_large, "two are half of four");
    assert!(!model.step(leave(2)).names().contains(&"room_reset"), "it became large just now");
    assert!(!model.wait(59_000).names().contains(&"room_reset"));
    assert!(model.wait(1_000).names().contains(&"room_reset"));
    assert!(!model.clients[&session(1)].is_large);
}

#[test]
fn hopping_around_the_roster_limit_resets_twice_a_minute() {
    let mut model = small();
    model.join(1, "mod", Role::Moderator);
    let mut resets = 0;
    for _ in 0..30 {
        for n in 2..=5 {
            let outcome = model.step(join(n, &format!("user-{n}"), Role::Publisher));
            resets += usize::from(outcome.names().contains(&"room_reset"));
        }
        for n in 2..=5 {
            let outcome = model.step(leave(n));
            resets += usize::from(outcome.names().contains(&"room_reset"));
        }
        resets += usize::from(model.wait(4_000).names().contains(&"room_reset"));
    }
    assert_eq!(resets, 4, "in two minutes");
}

#[test]
fn room_that_stays_above_half_is_large_for_longer() {
    let mut model = small();
    for n in 1..=5 {
        model.join(n, &format!("user-{n}"), Role::Publisher);
    }
    model.wait(120_000);
    for n in 2..=3 {
        model.step(leave(n));
    }
    assert!(model.clients[&session(1)].is_large);
    model.step(leave(4));
    assert!(model.step(leave(5)).names().contains(&"room_reset"), "below half at once");
}

#[test]
fn large_room_announces_publishers_and_counts_others() {
    let mut model = small();
    for n in 1..=5 {
        model.join(n, &format!("user-{n}"), Role::Publisher);
    }
    model.wait(1_000);
    assert_eq!(model.step(join(6, "user-6", Role::Publisher)).names(), ["counts"]);
    for n in 7..=9 {
        assert!(model.step(join(n, &format!("user-{n}"), Role::Publisher)).names().is_empty());
    }
    let outcome = model.wait(1_000);
    let actual: Vec<_> = outcome
        .pushes()
        .into_iter()
        .filter_map(|push| match push {
            Push::Counts(body) => Some(body.counts),
            _ => None,
        })
        .collect();
    assert_eq!(actual, [Counts { participants: 9, publishers: 0, streams: 0 }]);
    model.wait(1_000);
    let names = model.step(publish(9, 1)).names();
    assert_eq!(names, ["participant_joined", "stream_published", "counts"]);
    assert_eq!(model.clients[&session(1)].participants.len(), 1);
}

#[test]
fn only_moderators_page_through_a_large_room() {
    let mut model = small();
    model.join(1, "mod", Role::Moderator);
    for n in 2..=9 {
        model.join(n, &format!("user-{n}"), Role::Publisher);
    }
    for (n, listed) in [(1, 9), (2, 1)] {
        let page = model.roster(session(n), None).expect("a page");
        assert_eq!((page.participants.len(), page.next), (listed, None));
        let error = model.roster(session(n), None).expect_err("too soon");
        assert_eq!(error.retry_after_ms, Some(10_000));
    }
}

#[test]
fn promotion_lists_and_demotion_unlists_in_a_large_room() {
    let mut model = small();
    model.join(1, "mod", Role::Moderator);
    for n in 2..=6 {
        model.join(
            n,
            &format!("user-{n}"),
            if n == 3 { Role::PublisherOnly } else { Role::Publisher },
        );
    }
    model.step(publish(4, 4));
    for n in [4, 5] {
        model.moderate(1, role_of(n, Role::Moderator));
    }
    for n in [2, 3] {
        assert_eq!(model.clients[&session(n)].participants.len(), 3, "moderators 1, 4 and 5");
    }
    for n in [4, 5] {
        model.moderate(1, role_of(n, Role::Publisher));
    }
    assert_eq!(model.clients[&session(2)].participants.len(), 2, "1, and 4 for its stream");
    assert_eq!(model.clients[&session(3)].participants.len(), 1, "1 alone");
}

#[test]
fn long_snapshot_is_truncated_and_paged() {
    let mut model = RoomModel::new();
    // Each of its 1000 characters takes six bytes on the wire: 150 participants exceed a message.
    for n in 1..=150 {
        let mut request = request(n, &format!("user-{n}"), Role::Publisher);
        request.data = Some("\u{1}".repeat(1_000));
        let entry = crate::room::Entry {
            version: 1_000 + u64::from(n),
            now: crate::time::Now::aligned(model.now),
            origin: super::model::HOME,
            command: RoomCommand::Join(Box::new(request)),
        };
        model.room.apply(entry, false);
    }
    let snapshot = model.room.snapshot_for(session(1)).expect("in the room");
    let (mut seen, mut next) = (snapshot.participants.clone(), snapshot.next.clone());
    let own = model.room.own_participant(session(1)).expect("in the room");
    let reset = stagedoor_proto::ResetEncoder::new(own.room, &snapshot);
    assert!(reset.body(own.participant, own.role, own.capabilities).len() <= 256 * 1024);
    assert!(next.is_some());
    while let Some(after) = next {
        let page = model.roster(session(1), Some(&after)).expect("a page");
        seen.extend(page.participants);
        next = page.next;
    }
    seen.dedup_by_key(|member| member.id);
    assert_eq!(seen.len(), 150, "everyone once, without a gap");
}
