use serde_json::{Value, json};
use stagedoor_proto::{ServerMessage, decode_server};

use super::*;

const ME: &str = "AAAAAAAAAAAAAAAAAAAAAQ";
const BOB: &str = "AAAAAAAAAAAAAAAAAAAAAg";
const CAT: &str = "AAAAAAAAAAAAAAAAAAAAAw";
const MINE: &str = "AAAAAAAAAAAAAAAAAAAAEQ";
const BOBS: &str = "AAAAAAAAAAAAAAAAAAAAEg";

fn person(id: &str, role: &str) -> Value {
    json!({ "id": id, "username": id, "role": role, "link": "live", "mute_locked": false })
}

fn stream(id: &str, owner: &str) -> Value {
    json!({
        "id": id, "participant": owner, "kind": "camera",
        "has_audio": true, "has_video": true, "muted": false,
    })
}

/// A room at version 10 with this session and Bob, each with a stream.
fn snapshot(large: bool) -> Value {
    json!({
        "version": 10, "is_large": large, "locked": false, "mute": { "active": false, "lock": false },
        "participants": [person(ME, "publisher"), person(BOB, "publisher")],
        "counts": { "participants": 2, "publishers": 2, "streams": 2 },
        "streams": [stream(MINE, ME), stream(BOBS, BOB)],
    })
}

fn view(large: bool) -> RoomView {
    let joined = json!({
        "participant": person(ME, "publisher"), "room": snapshot(large),
        "capabilities":
            { "publish": true, "subscribe": true, "signal": true, "moderate": false },
    });
    RoomView::new(serde_json::from_value(joined).unwrap())
}

fn push(name: &str, mut body: Value) -> Push {
    body["room"] = "lobby".into();
    let text = json!({ "seq": 1, name: body }).to_string();
    let ServerMessage::Push { push, .. } = decode_server(&text).unwrap() else {
        panic!("{name} is no push")
    };
    *push
}

fn applied(mut view: RoomView, pushes: &[(&str, Value)]) -> RoomView {
    for (name, body) in pushes {
        view.apply(&push(name, body.clone()));
    }
    view
}

fn participant_ids(view: &RoomView) -> Vec<String> {
    view.participants.keys().map(ToString::to_string).collect()
}

/// For each stream, whether it has audio and whether it is muted.
fn audio(view: &RoomView) -> Vec<(bool, bool)> {
    view.streams.values().map(|stream| (stream.has_audio, stream.muted)).collect()
}

fn joined(version: u64, id: &str) -> (&'static str, Value) {
    let participant = person(id, "publisher");
    ("participant_joined", json!({ "version": version, "participant": participant }))
}

#[test]
fn changes_older_than_the_snapshot_are_dropped() {
    let left = |version| {
        ("participant_left", json!({ "version": version, "participant": BOB, "reason": "left" }))
    };
    let capabilities =
        json!({ "publish": true, "subscribe": true, "signal": true, "moderate": false });
    let reset = json!({
        "participant": ME, "role": "publisher", "capabilities": capabilities,
        "snapshot": snapshot(false),
    });
    let reset = ("room_reset", reset);
    for (case, pushes, expected) in [
        ("older", vec![joined(9, CAT)], vec![ME, BOB]),
        ("the snapshot's own", vec![joined(10, CAT)], vec![ME, BOB]),
        ("newer", vec![joined(11, CAT)], vec![ME, BOB, CAT]),
        ("two of one version", vec![joined(12, CAT), left(12)], vec![ME, CAT]),
        ("again", vec![joined(11, CAT), joined(11, CAT)], vec![ME, BOB, CAT]),
        ("a reset voids what was known", vec![joined(12, CAT), reset.clone()], vec![ME, BOB]),
        ("and is what later changes build on", vec![joined(12, CAT), reset, left(11)], vec![ME]),
    ] {
        let view = applied(view(false), &pushes);
        assert_eq!(participant_ids(&view), expected, "{case}");
        let counted = usize::try_from(view.counts.participants).unwrap();
        assert_eq!(counted, expected.len(), "{case}");
    }
}

#[test]
fn a_mute_turns_off_what_it_is_of_and_its_end_turns_nothing_on() {
    let mute = |active: bool, lock: bool, of: Value| {
        let mut body = json!({
            "version": 11, "active": active, "lock": lock, "by": { "server": {} },
        });
        body.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        ("mute_forced", body)
    };
    let (on, off, lifted) = ((true, false), (false, true), (false, false));
    for (case, pushes, expected, locked, active) in [
        ("a stream", vec![mute(true, false, json!({ "stream": BOBS }))], [on, off], false, false),
        (
            "a person, for good",
            vec![mute(true, true, json!({ "participant": BOB }))],
            [on, off],
            true,
            false,
        ),
        (
            "lifted",
            vec![
                mute(true, true, json!({ "participant": BOB })),
                mute(false, false, json!({ "participant": BOB })),
            ],
            [on, lifted],
            false,
            false,
        ),
        (
            "all but mine",
            vec![mute(true, false, json!({ "except": [ME] }))],
            [on, off],
            false,
            true,
        ),
        (
            "all, and the end of it",
            vec![mute(true, true, json!({})), mute(false, false, json!({}))],
            [off, off],
            false,
            false,
        ),
    ] {
        let view = applied(view(false), &pushes);
        assert_eq!(audio(&view), expected, "{case}");
        let bob = &view.participants[&BOB.parse().unwrap()];
        assert_eq!((bob.mute_locked, view.mute.active), (locked, active), "{case}");
    }
}

#[test]
fn a_large_room_lists_moderators_and_the_owners_of_streams() {
    let ended = ("stream_unpublished", json!({ "version": 11, "stream": BOBS, "reason": "left" }));
    let role = |role| ("role_changed", json!({ "version": 11, "participant": BOB, "role": role }));
    for (case, large, pushes, expected) in [
        ("a small room keeps everybody", false, vec![ended.clone()], vec![ME, BOB]),
        ("no stream", true, vec![ended.clone()], vec![ME]),
        ("a moderator", true, vec![role("moderator"), ended.clone()], vec![ME, BOB]),
        ("no longer one", true, vec![role("moderator"), ended, role("subscriber")], vec![ME]),
        ("still publishing", true, vec![role("moderator"), role("publisher")], vec![ME, BOB]),
    ] {
        assert_eq!(participant_ids(&applied(view(large), &pushes)), expected, "{case}");
    }
    let counts = json!({ "participants": 5_000, "publishers": 2, "streams": 2 });
    let applied_changes = applied(
        view(true),
        &[("counts", json!({ "version": 11, "counts": counts })), joined(12, CAT)],
    );
    assert_eq!(
        applied_changes.counts.participants, 5_000,
        "the list says nothing of how many there are"
    );
}

#[test]
fn what_happens_to_oneself_shows() {
    let can = json!({ "publish": false, "subscribe": true, "signal": false, "moderate": false });
    let demoted = (
        "role_changed",
        json!({
            "version": 11, "participant": ME, "role": "subscriber", "capabilities": can,
        }),
    );
    let view_after = applied(view(true), &[demoted]);
    assert_eq!((view_after.own.role, view_after.capabilities.publish), (Role::Subscriber, false));

    let by = json!({ "server": {} });
    for (name, body, expected) in [
        ("removed", json!({ "by": by, "until_ms": null }), MembershipState::Removed),
        ("room_ended", json!({ "by": by }), MembershipState::Ended),
        ("degraded", json!({ "active": true }), MembershipState::Inside),
    ] {
        assert_eq!(applied(view(false), &[(name, body)]).membership, expected, "{name}");
    }
}

#[test]
fn the_rooms_own_settings_and_links_follow() {
    let view = applied(
        view(false),
        &[
            (
                "room_state",
                json!({ "version": 11, "locked": true, "mute": { "active": true, "lock": false } }),
            ),
            ("participant_link", json!({ "version": 12, "participant": BOB, "link": "suspended" })),
        ],
    );
    assert!(view.locked && view.mute.active);
    assert_eq!(view.participants[&BOB.parse().unwrap()].link, stagedoor_proto::Link::Suspended);
    assert_eq!(view.version, 12);
}
