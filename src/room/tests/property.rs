//! Any log keeps the invariants on every replica, and every client's view matches the room.

use std::time::Duration;

use proptest::prelude::*;
use stagedoor_proto::{
    Block, BlockScope, Data, FamilyId, ForceDisconnect, ForceUnpublish, LeaveReason, Link,
    MuteTarget, ParticipantId, Relay, Role, Scope, SendSignal, SessionState, Unblock, Who,
};

use super::model::{
    RoomModel, kick, leave, link, mute_all, mute_of, on_stream, on_user, origin, participant_id,
    publish, request, role_of, room_id, session, small_room, stream_id, user, whole_room,
};
use crate::principal::Guest;
use crate::room::{
    Moderation, Origin, RecreateRoom, RoomCommand, RoomToken, ScopeSet, SessionGrant,
};

const USERS: [&str; 5] = ["ada", "bea", "cleo", "guest-1", "guest-2"];
const ROLES: [Role; 4] = [Role::Moderator, Role::Publisher, Role::PublisherOnly, Role::Subscriber];
const WAITS: [u64; 8] = [0, 0, 1, 100, 250, 1_000, 5_000, 700_000];

/// Any four bytes make a command.
pub(super) type Seed = (u8, u8, u8, u8);

fn entering((_, a, b, c): Seed, now: stagedoor_proto::Timestamp) -> RoomCommand {
    let n = a % 9;
    let mut join = request(n, USERS[usize::from(n) % 5], ROLES[usize::from(b) % 4]);
    join.guest = n % 5 >= 3;
    join.proof = FamilyId::from_bits(u128::from(n));
    join.instance = format!("instance-{}", n / 3).parse().expect("an instance");
    // Participants usually get new ids; sometimes an id is taken.
    join.participant = ParticipantId::from_bits(u128::from(c) * 16 + u128::from(n));
    join.app_moderator = b & 0x4 != 0;
    if b % 5 == 4 {
        join.scopes = ScopeSet::ALL.without([Scope::Publish, Scope::Subscribe][usize::from(c) % 2]);
    }
    if b & 32 != 0 {
        join.token = Some(RoomToken {
            issued: now - Duration::from_secs(u64::from(c % 4)),
            expires: now + Duration::from_secs(u64::from(c) * 4),
            jti: (c & 1 == 0).then(|| format!("jti-{}", c % 8).into()),
            layout_classes: stagedoor_proto::LayoutClasses::default(),
            app_moderator: c & 2 != 0,
        });
    }
    if b & 64 != 0 {
        join.link = Link::Suspended;
    }
    RoomCommand::Join(Box::new(join))
}

/// A guest continues as another one, or as a registered user, or a registered user as either.
fn migration(from: usize, to: usize) -> RoomCommand {
    let guest = |n: usize| {
        let instance = format!("instance-{}", n % 3).parse().expect("an instance");
        (n >= 3).then(|| Guest::new(instance, FamilyId::from_bits(n as u128)))
    };
    RoomCommand::MigrateUser {
        from: user(USERS[from]),
        to: user(USERS[to]),
        from_guest: guest(from),
        to_guest: guest(to),
        cause: None,
    }
}

fn moderation_command((_, _, b, c): Seed, model: &RoomModel) -> Moderation {
    let target = |n: u8| model.room.participant_of(session(n % 9)).unwrap_or(participant_id(n));
    let name = USERS[usize::from(c) % 5];
    let who = if c & 16 == 0 { Who::Username(user(name)) } else { Who::Participant(target(c)) };
    let muted = match c % 3 {
        0 => MuteTarget::Stream(stream_id(c % 8)),
        _ => MuteTarget::Person { room: room_id(), who: who.clone() },
    };
    let lock = c & 32 != 0;
    match b % 16 {
        0 => kick(who, Some(u64::from(c & 3) * 5_000)),
        1 => Moderation::ForceDisconnect(ForceDisconnect {
            room: room_id(),
            who,
            block: Block { for_ms: None, scope: BlockScope::App },
            reason: None,
            ref_: Some(format!("ref-{}", c % 4).parse().expect("a ref")),
        }),
        2 => Moderation::Unblock(Unblock {
            room: room_id(),
            username: user(name),
            scope: BlockScope::Room,
            ref_: None,
        }),
        3 => Moderation::ForceUnpublish(ForceUnpublish {
            stream: stream_id(c % 8),
            reason: None,
            ref_: None,
        }),
        4 | 5 => Moderation::ForceMute(mute_of(muted, lock)),
        6 => Moderation::LiftMute(mute_of(muted, false)),
        7 => Moderation::LiftMute(mute_of(on_user(name), false)),
        8 => mute_all(&[c % 8, c.wrapping_add(1) % 8], lock),
        9 => Moderation::DisableForceMute(whole_room(None)),
        10 => Moderation::RequestUnmute(on_stream(c % 8)),
        11 | 12 => {
            let mut command = role_of(0, ROLES[usize::from(c >> 4) % 4]);
            if let Moderation::SetRole(body) = &mut command {
                body.participant = target(c);
            }
            command
        }
        13 => Moderation::LockRoom(whole_room(None)),
        14 => Moderation::UnlockRoom(whole_room(None)),
        _ if c % 4 == 0 => Moderation::EndRoom(whole_room(None)),
        _ => mute_all(&[], lock),
    }
}

pub(super) fn command(seed: Seed, model: &RoomModel) -> RoomCommand {
    let (kind, a, b, c) = seed;
    let n = a % 9;
    let stream = stream_id(b % 8);
    let origin = origin(n);
    match kind % 32 {
        0..=7 => entering(seed, model.now),
        8 => leave(n),
        9 => RoomCommand::Leave {
            session: session(n),
            reason: LeaveReason::NetworkLost,
            origin: None,
            cause: None,
        },
        10 => link(session(n), Link::Suspended),
        11 => link(session(n), Link::Live),
        12 if c & 1 == 0 => RoomCommand::Authorize {
            session: session(n),
            grant: SessionGrant {
                version: model.room.grant_version(session(n)) + u64::from(c % 3),
                role: ROLES.get(usize::from(b) % 5).copied(),
                scopes: [Scope::Moderate, Scope::Publish, Scope::Subscribe, Scope::Relay]
                    .iter()
                    .take(usize::from(c >> 3) % 5)
                    .fold(ScopeSet::ALL, |scopes, scope| scopes.without(*scope)),
                app_moderator: b & 16 != 0,
            },
        },
        12 => RoomCommand::SessionState { session: session(n), state: SessionState::TokenExpired },
        13..=17 => publish(n, b % 8),
        18 | 19 => RoomCommand::UpdateStream {
            origin,
            update: stagedoor_proto::UpdateStream {
                stream,
                has_audio: Some(c & 1 == 0),
                has_video: (c & 2 == 0).then_some(c & 4 == 0),
                name: None,
                layout_classes: None,
            },
        },
        20 => RoomCommand::Unpublish { origin, stream, ref_: None },
        21 => RoomCommand::Subscribe { origin, stream },
        22 => RoomCommand::Unsubscribe { origin, stream },
        23 => RoomCommand::SetSessionFeed { origin, enabled: c & 1 == 0 },
        24 if c.is_multiple_of(8) => migration(usize::from(a) % 5, usize::from(b) % 5),
        24 if c % 8 == 1 => RoomCommand::Recreate(Box::new(RecreateRoom {
            settings: small_room(),
            locked: a & 1 == 0,
            ..RecreateRoom::default()
        })),
        24 => RoomCommand::Tick,
        25 if c.is_multiple_of(4) => RoomCommand::Moderate {
            origin: Origin::Call(1),
            command: moderation_command(seed, model),
            server: None,
        },
        _ => {
            RoomCommand::Moderate { origin, command: moderation_command(seed, model), server: None }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_log_keeps_invariants_and_client_views(
        seeds in proptest::collection::vec((any::<Seed>(), 0..WAITS.len()), 1..120),
    ) {
        let settings = small_room();
        let mut model = RoomModel::with(settings.clone(), super::super::DurableState::default());
        for (seed, wait) in seeds {
            if model.room.is_open() {
                let command = command(seed, &model);
                model.step(command);
            } else {
                let open_room = crate::room::OpenRoom { settings: settings.clone(), ..Default::default() };
                model.step(RoomCommand::Open(Box::new(open_room)));
            }
            // Some commands come late, before the due tick.
            if seed.3 & 64 == 0 {
                model.wait(WAITS[wait]);
            } else {
                model.now = model.now + Duration::from_millis(WAITS[wait]);
            }
            let signal = SendSignal {
                room: room_id(),
                to: None,
                type_: "chat".parse().expect("a type"),
                data: Data::from_json("1".to_owned()).expect("JSON"),
                ref_: None,
            };
            let relay = Relay { to: participant_id(seed.2), stream: stream_id(seed.2 % 8), data: signal.data.clone() };
            let before = model.room.clone();
            let now = model.now;
            let _permitted = model.signal(Some(session(seed.1 % 9)), &signal, now);
            let _permitted = model.room.relay(session(seed.1 % 9), &relay);
            let _page = model.roster(session(seed.1 % 9), None);
            prop_assert!(before == model.room, "what is not logged changes nothing of the room");
        }
    }
}
