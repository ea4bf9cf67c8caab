//! A room, its replica and its clients. Each step is applied to all of them and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stagedoor_proto::{
    Accepted, Block, BlockScope, Error, ErrorCode, FamilyId, ForceDisconnect, ForceMute,
    ForceMuteAll, Joined, LeaveReason, Link, ModerateRoom, ModerationReport, MuteTarget, NewStream,
    OnStream, ParticipantId, Push, Ref, Reply, Role, RoomId, RoomReset, RosterPage, SendSignal,
    Sent, SessionId, SessionState, SetRole, SignalSender, Stream, StreamId, StreamKind, Timestamp,
    UpdateStream, Username, Who,
};

use super::client::Client;
use crate::room::state::timers::Timer;
use crate::room::visibility::session_feed::feed_entry;
use crate::room::{
    AcceptedSignal, Appender, Audience, DurableChange, DurableKey, DurableState, Effect, Entry,
    Everywhere, Expiry, Join, LocalRoom, Moderation, NodeEpoch, OpenRoom, Origin, Room,
    RoomCommand, RoomDue, RoomSettings, ScopeSet,
};
use crate::time::Now;

pub(super) struct RoomModel {
    pub(super) room: Room,
    pub(super) local: LocalRoom,
    replica: Room,
    pub(super) clients: BTreeMap<SessionId, Client>,
    pub(super) now: Timestamp,
    version: u64,
}

/// The effects of one command.
pub(super) struct Outcome(pub(super) Vec<Effect>);

/// The result of sending a signal.
#[derive(Debug, PartialEq)]
pub(super) struct SignalResult {
    /// `None`: a repetition, answered from the cache.
    pub(super) to: Option<Audience>,
    pub(super) from: Option<SignalSender>,
    pub(super) sent: Sent,
}

/// The node that serves all sessions, unless a test says otherwise.
pub(super) const HOME: NodeEpoch = NodeEpoch(1);

pub(super) const START: Timestamp = Timestamp::from_millis(1_000_000);

impl RoomModel {
    pub(super) fn new() -> Self {
        Self::with(RoomSettings::default(), DurableState::default())
    }

    pub(super) fn with(settings: RoomSettings, durable_state: DurableState) -> Self {
        let room = Room::new(room_id());
        let (replica, clients, local) = (room.clone(), BTreeMap::new(), LocalRoom::default());
        let mut model = Self { room, local, replica, clients, now: START, version: 0 };
        model.step(RoomCommand::Open(Box::new(OpenRoom { settings, durable_state })));
        model
    }

    /// Appends a command now, at [`HOME`].
    pub(super) fn step(&mut self, command: RoomCommand) -> Outcome {
        self.step_from(HOME, command)
    }

    /// Appends a command now, at this node.
    pub(super) fn step_from(&mut self, node: NodeEpoch, command: RoomCommand) -> Outcome {
        self.version += 1;
        let ended = match &command {
            RoomCommand::Unpublish { stream, .. } => Some(*stream),
            _ => None,
        };
        let entry =
            Entry { version: self.version, now: Now::aligned(self.now), origin: node, command };
        // In the form read from a log.
        let text = serde_json::to_string(&entry).expect("an entry has a JSON form");
        let entry_read: Entry = serde_json::from_str(&text).expect("an entry can be read back");
        assert_eq!(entry_read, entry);
        let mut untouched = self.room.clone();
        let tick = Entry { command: RoomCommand::Tick, ..entry.clone() };
        untouched.apply(tick, false);
        let acted = entry.command.clone();
        let effects = self.room.apply(entry, false);
        let is_refusal = |effect: &Effect| {
            matches!(effect, Effect::Appender(Appender::Reply { result: Err(_), .. }))
        };
        if effects.iter().any(is_refusal) {
            assert!(untouched == self.room, "a refusal changes nothing: {text}");
        }
        check_fencing(&untouched, &self.room, node, &acted);
        assert_eq!(self.replica.apply(entry_read, false), effects, "replicas decide alike");
        assert!(self.replica == self.room, "replicas stay alike");
        self.restore_replica();
        self.room.check_invariants().unwrap_or_else(|broken| panic!("{broken} after {text}"));
        self.check_durable_changes(&effects);
        self.deliver(&effects, ended);
        for (session, client) in &self.clients {
            let me =
                self.room.participant_of(*session).expect("clients are removed when they leave");
            let mut actual =
                Client::of(me, &self.room.snapshot_for(*session).expect("it is in the room"));
            for (id, known) in &client.participants {
                // A link that changes often is pushed later.
                let is_delayed = self.room.state.timers.get(Timer::Link(*id)).is_some();
                if let Some(member) = actual.participants.get_mut(id).filter(|_| is_delayed) {
                    member.link = known.link;
                }
            }
            assert_eq!(
                client.view(),
                actual.view(),
                "the client's view matches the room after {text}"
            );
        }
        self.check_feeds();
        Outcome(effects)
    }

    /// Once no update is due, the feed of each watcher shows every session as it is.
    fn check_feeds(&self) {
        let state = &self.room.state;
        if !state.feed.is_idle() {
            return;
        }
        for watcher in state.feed.watchers().filter_map(|id| state.participants.find(id)) {
            let actual = state.participants.iter();
            let mut actual: BTreeMap<_, _> =
                actual.map(|member| (member.id, feed_entry(state, member))).collect();
            // No watcher sees its own link as suspended.
            actual.get_mut(&watcher.id).expect("it is in the room").link = Link::Live;
            assert_eq!(self.clients[&watcher.session].feed, actual, "the feed is up to date");
        }
    }

    /// Restores the replica from its own checkpoint; in large rooms only now and then, because it is slow.
    fn restore_replica(&mut self) {
        if self.room.state.participants.len() > 16 && !self.version.is_multiple_of(64) {
            return;
        }
        let text = serde_json::to_string(&self.replica).expect("a room has a JSON form");
        self.replica = serde_json::from_str(&text).expect("a room can be read back");
        assert!(self.replica == self.room, "a checkpoint is the whole room: {text}");
    }

    /// Durable changes must be reproducible after a failed write of the store.
    fn check_durable_changes(&self, effects: &[Effect]) {
        let changes = effects.iter().filter_map(|effect| match effect {
            Effect::Appender(Appender::Persist(fact)) => Some((fact.key(), fact)),
            _ => None,
        });
        let last: BTreeMap<DurableKey, &DurableChange> = changes.collect();
        let again = self.room.durable_changes(&last.keys().cloned().collect());
        for fact in last.into_values().filter(|_| self.room.is_open()) {
            assert!(again.contains(fact), "{fact:?} is not among {again:?}");
        }
    }

    fn deliver(&mut self, effects: &[Effect], ended: Option<StreamId>) {
        let mut delivered = BTreeSet::new();
        for effect in effects {
            match effect {
                Effect::Everywhere(Everywhere::Push { to, push }) => {
                    let text = stagedoor_proto::encode_push(push);
                    assert!(text.len() <= 256 * 1024, "a message of {} bytes", text.len());
                    self.room.for_each_session(to, |session| {
                        assert!(delivered.insert((session, text.clone())), "sent twice: {push:?}");
                        if let Some(client) = self.clients.get_mut(&session) {
                            client.apply(push);
                        }
                    });
                }
                Effect::Everywhere(Everywhere::Reset { to, snapshot }) => {
                    self.room.for_each_session(to, |session| {
                        let own = self.room.own_participant(session).expect("it is in the room");
                        let push = Push::RoomReset(RoomReset {
                            room: own.room,
                            participant: own.participant,
                            role: own.role,
                            capabilities: own.capabilities,
                            snapshot: (**snapshot).clone(),
                        });
                        let size = stagedoor_proto::encode_push(&push).len();
                        assert!(size <= 256 * 1024, "a message of {size} bytes");
                        if let Some(client) = self.clients.get_mut(&session) {
                            client.apply(&push);
                        }
                    });
                }
                Effect::Appender(Appender::Reply {
                    origin: Origin::Session { session, .. },
                    result: Ok(reply),
                }) => {
                    if let Reply::Joined(joined) = reply {
                        // The session feed goes on when a session joins again.
                        let mut client = Client::joined(joined);
                        if let Some(former) = self.clients.remove(session) {
                            client.feed = former.feed;
                        }
                        self.clients.insert(*session, client);
                    } else if let Some(client) = self.clients.get_mut(session) {
                        client.answered(reply);
                        if let Some(stream) = ended {
                            client.unpublished(stream);
                        }
                    }
                }
                Effect::Everywhere(Everywhere::CloseRoom(push)) => {
                    for client in self.clients.values_mut() {
                        client.apply(push);
                    }
                    self.clients.clear();
                }
                Effect::Everywhere(Everywhere::RemoveMemberships(gone)) => {
                    self.room.for_each_session(gone, |session| {
                        self.clients.remove(&session);
                    });
                }
                _ => {}
            }
        }
    }

    /// Sends a signal, numbered as by a single node.
    pub(super) fn signal(
        &mut self,
        from: Option<SessionId>,
        signal: &SendSignal,
        now: Timestamp,
    ) -> Result<SignalResult, Error> {
        Ok(
            match self
                .local
                .accept_signal(&self.room, from, signal, Now::aligned(now).monotonic)
                .map_err(|rejection| rejection.error)?
            {
                AcceptedSignal::Repeated(sent) => SignalResult { to: None, from: None, sent },
                AcceptedSignal::New(mut new) => {
                    let order = self.local.next_order();
                    let sent =
                        self.local.assign_order(&mut new, order, Now::aligned(now).monotonic);
                    SignalResult { to: Some(new.to), from: new.from, sent }
                }
            },
        )
    }

    /// Requests a roster page now.
    pub(super) fn roster(
        &mut self,
        session: SessionId,
        after: Option<&str>,
    ) -> Result<RosterPage, Error> {
        let page = self.local.roster(&self.room, session, after, Now::aligned(self.now).monotonic);
        page.map_err(|rejection| rejection.error)
    }

    /// The first time that the room waits for: the model's two clocks are aligned.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let RoomDue { wall, monotonic } = self.room.next_due();
        let due = wall.min(Timestamp::from_millis(monotonic.as_millis()));
        (due < Timestamp::MAX).then_some(due)
    }

    /// Advances time, and ticks whenever a timer is due.
    pub(super) fn wait(&mut self, ms: u64) -> Outcome {
        let until = self.now + Duration::from_millis(ms);
        let mut effects = Vec::new();
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.now = due;
            effects.extend(self.step(RoomCommand::Tick).0);
        }
        self.now = until;
        Outcome(effects)
    }

    pub(super) fn join(&mut self, n: u8, name: &str, role: Role) -> Joined {
        self.step(join(n, name, role)).joined()
    }

    pub(super) fn publish(&mut self, n: u8, stream: u8) -> Stream {
        let outcome = self.step(publish(n, stream));
        let Ok(Reply::Published(body)) = outcome.reply() else { panic!("not published") };
        body.stream
    }

    pub(super) fn set_audio(&mut self, n: u8, stream: u8, on: bool) -> Outcome {
        let update = UpdateStream {
            stream: stream_id(stream),
            has_audio: Some(on),
            has_video: None,
            name: None,
            layout_classes: None,
        };
        self.step(RoomCommand::UpdateStream { origin: origin(n), update })
    }

    pub(super) fn moderate(&mut self, n: u8, command: Moderation) -> Outcome {
        self.step(RoomCommand::Moderate { origin: origin(n), command, server: None })
    }

    pub(super) fn stream(&self, stream: u8) -> Stream {
        self.room.state.streams.find(stream_id(stream)).expect("a stream").wire.clone()
    }
}

/// Only a session's home acts for it, and only newer connections move it.
fn check_fencing(before: &Room, after: &Room, node: NodeEpoch, command: &RoomCommand) {
    if before.state.lost_nodes.contains(node) {
        assert!(before == after, "a lost node acted: {command:?}");
    }
    let actor = command.session();
    for member in before.state.participants.iter() {
        let is_actor = actor == Some(member.session);
        let (home, generation) = match command {
            RoomCommand::Join(join) if is_actor => (node, join.generation),
            RoomCommand::Link { home, generation, .. } if is_actor => (*home, *generation),
            _ => {
                let is_orphan = before.state.lost_nodes.contains(member.home);
                let may_act = matches!(command, RoomCommand::Leave { .. }) && is_orphan;
                if is_actor && member.home != node && !may_act {
                    assert!(before == after, "a session acted from elsewhere: {command:?}");
                }
                (member.home, member.generation)
            }
        };
        let Some(now) = after.state.participants.find(member.id) else { continue };
        let retains_all = (now.home, now.generation) == (member.home, member.generation);
        let is_moved = (now.home, now.generation) == (home, generation);
        assert!(retains_all || is_moved && generation >= member.generation, "moved by {command:?}");
    }
}

impl Outcome {
    pub(super) fn reply(&self) -> Result<Reply, Error> {
        let replies = self.0.iter().filter_map(|effect| match effect {
            Effect::Appender(Appender::Reply { result, .. }) => Some(result.clone()),
            _ => None,
        });
        let mut replies: Vec<_> = replies.collect();
        assert_eq!(replies.len(), 1, "exactly one reply each");
        replies.remove(0)
    }

    pub(super) fn joined(&self) -> Joined {
        match self.reply() {
            Ok(Reply::Joined(joined)) => *joined,
            other => panic!("not joined: {other:?}"),
        }
    }

    pub(super) fn accepted(&self) -> Accepted {
        match self.reply() {
            Ok(Reply::Accepted(accepted)) => accepted,
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub(super) fn code(&self) -> Option<ErrorCode> {
        self.reply().err().map(|error| error.code)
    }

    pub(super) fn pushes(&self) -> Vec<&Push> {
        let pushes = self.0.iter().filter_map(|effect| match effect {
            Effect::Everywhere(Everywhere::Push { push, .. } | Everywhere::CloseRoom(push)) => {
                Some(&**push)
            }
            _ => None,
        });
        pushes.collect()
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        let name = |effect: &Effect| match effect {
            Effect::Everywhere(Everywhere::Push { push, .. } | Everywhere::CloseRoom(push)) => {
                Some(push.name())
            }
            Effect::Everywhere(Everywhere::Reset { .. }) => Some("room_reset"),
            Effect::Everywhere(Everywhere::Report { origin: Origin::Session { .. }, .. }) => {
                Some("moderation")
            }
            _ => None,
        };
        self.0.iter().filter_map(name).collect()
    }

    pub(super) fn reports(&self) -> Vec<&ModerationReport> {
        let reports = self.0.iter().filter_map(|effect| match effect {
            Effect::Everywhere(Everywhere::Report { report, .. }) => Some(&**report),
            _ => None,
        });
        reports.collect()
    }
}

pub(super) fn room_id() -> RoomId {
    "lobby".parse().expect("a room id")
}

pub(super) fn user(name: &str) -> Username {
    name.parse().expect("a username")
}

pub(super) fn session(n: u8) -> SessionId {
    SessionId::from_bits(u128::from(n))
}

pub(super) fn participant_id(n: u8) -> ParticipantId {
    ParticipantId::from_bits(u128::from(n))
}

pub(super) fn stream_id(n: u8) -> StreamId {
    StreamId::from_bits(u128::from(n))
}

pub(super) fn origin(n: u8) -> Origin {
    Origin::Session { session: session(n), request: 1 }
}

/// A registered user continues under another name.
pub(super) fn rename(from: &str, to: &str) -> RoomCommand {
    RoomCommand::MigrateUser {
        from: user(from),
        to: user(to),
        from_guest: None,
        to_guest: None,
        cause: None,
    }
}

pub(super) fn request(n: u8, name: &str, role: Role) -> Join {
    Join {
        origin: origin(n),
        session: session(n),
        generation: 1,
        participant: participant_id(n),
        username: user(name),
        instance: format!("instance-{n}").parse().expect("an instance"),
        guest: false,
        proof: FamilyId::from_bits(u128::from(n)),
        registered: None,
        role,
        scopes: ScopeSet::ALL,
        app_moderator: false,
        grant_version: 0,
        data: None,
        token: None,
        link: Link::Live,
        state: SessionState::Established,
    }
}

pub(super) fn join(n: u8, name: &str, role: Role) -> RoomCommand {
    RoomCommand::Join(Box::new(request(n, name, role)))
}

pub(super) fn link(session: SessionId, link: Link) -> RoomCommand {
    RoomCommand::Link { session, link, home: HOME, generation: 1 }
}

pub(super) fn leave(n: u8) -> RoomCommand {
    let (session, reason) = (session(n), LeaveReason::Left);
    RoomCommand::Leave { session, reason, origin: Some(origin(n)), cause: None }
}

pub(super) fn publish(n: u8, stream: u8) -> RoomCommand {
    let new = NewStream {
        name: None,
        kind: StreamKind::Camera,
        has_audio: true,
        has_video: true,
        layout_classes: stagedoor_proto::LayoutClasses::default(),
    };
    RoomCommand::Publish { origin: origin(n), stream: stream_id(stream), new }
}

/// Settings whose limits a short log reaches.
pub(super) fn small_room() -> RoomSettings {
    RoomSettings {
        participants: 7,
        roster_limit: 4,
        streams_per_participant: 2,
        streams: 6,
        expiry: Expiry::Enforce,
        ..RoomSettings::default()
    }
}

/// A moderator (1), and a speaker (2) with stream 2.
pub(super) fn stage() -> RoomModel {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    model.join(2, "ada", Role::Publisher);
    model.publish(2, 2);
    model
}

pub(super) fn whole_room(ref_: Option<Ref>) -> ModerateRoom {
    ModerateRoom { room: room_id(), ref_ }
}

pub(super) fn kick(who: Who, for_ms: Option<u64>) -> Moderation {
    kick_from(BlockScope::Room, who, for_ms)
}

pub(super) fn kick_from(scope: BlockScope, who: Who, for_ms: Option<u64>) -> Moderation {
    let block = Block { for_ms, scope };
    Moderation::ForceDisconnect(ForceDisconnect {
        room: room_id(),
        who,
        block,
        reason: None,
        ref_: None,
    })
}

pub(super) fn mute_of(target: MuteTarget, lock: bool) -> ForceMute {
    ForceMute { target, lock, ref_: None }
}

pub(super) fn on_user(name: &str) -> MuteTarget {
    MuteTarget::Person { room: room_id(), who: Who::Username(user(name)) }
}

pub(super) fn on_stream(stream: u8) -> OnStream {
    OnStream { stream: stream_id(stream), ref_: None }
}

pub(super) fn mute_all(except: &[u8], lock: bool) -> Moderation {
    let except = except.iter().map(|n| stream_id(*n).into()).collect();
    let (room, include_self) = (room_id(), false);
    Moderation::ForceMuteAll(ForceMuteAll { room, except, include_self, lock, ref_: None })
}

pub(super) fn role_of(n: u8, role: Role) -> Moderation {
    Moderation::SetRole(SetRole {
        room: room_id(),
        participant: participant_id(n),
        role,
        ref_: None,
    })
}
