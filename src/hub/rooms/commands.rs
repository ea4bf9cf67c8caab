//! Commands of a session in its rooms.
//!
//! A command that changes a room is appended to the room's log, and the room replies. Signals, relays and rosters
//! change no shared state, and the reply comes from here.

use std::sync::Arc;

use stagedoor_proto::{
    Command, CommandClass, Error, ErrorCode, LeaveReason, MuteTarget, Push, Ref, Relay, Relayed,
    Reply, RoomId, SendSignal, Sent, SessionId, Signal, StreamId,
};

use super::Rooms;
use super::fan_out::push_to;
use super::handle::{RoomHandle, RoomInner};
use super::metrics::count_rejection;
use crate::engine::{Answer, Delivered, Health, RoomMessage};
use crate::hub::context::check_records;
use crate::hub::sessions::{RequestPermit, RoomTags, SessionHandle, take_relayed};
use crate::room::{
    AcceptedSignal, Audience, Moderation, Origin, RoomCommand, RoomKey, receiver_of_subscription,
};
use crate::telemetry::Limit;
use crate::time::{Monotonic, Now};

/// About the size of a frame without its data.
const FRAME_OVERHEAD_BYTES: usize = 256;

/// A command for the log of a room.
type RoutedCommand = Result<(Arc<RoomHandle>, RoomCommand), Error>;

impl Rooms {
    /// Executes a command of a session in a room; `Some` is the reply, if it does not come from the room's log.
    pub(in crate::hub) fn handle_command(
        &self,
        session: &Arc<SessionHandle>,
        permit: &RequestPermit,
        command: Command,
        now: Now,
    ) -> Option<Result<Reply, Error>> {
        let (origin, asked) =
            (Origin::Session { session: session.id(), request: permit.number() }, permit.rooms());
        let answer = match command {
            Command::Signal(signal) => {
                return self.session_signal(session, permit, signal, now);
            }
            Command::Relay(relay) => {
                let relayed = self.relay(session, asked, relay, now.monotonic);
                return self.answer_when_sent(origin, relayed);
            }
            Command::Roster(roster) => self.room_of(asked, &roster.room).and_then(|room| {
                let (session, after) = (session.id(), roster.after.as_deref());
                room.ask_local(&self.context.metrics, |room, local| {
                    local.roster(room, session, after, now.monotonic).map(Reply::Roster)
                })
            }),
            logged => match self.route(session, asked, origin, logged, now.monotonic) {
                Ok((room, command)) => {
                    self.append(room.key(), command);
                    return None;
                }
                Err(error) => Err(error),
            },
        };
        Some(answer)
    }

    fn route(
        &self,
        session: &SessionHandle,
        asked: &RoomTags,
        origin: Origin,
        command: Command,
        now: Monotonic,
    ) -> RoutedCommand {
        let metrics = &self.context.metrics;
        // What only turns something off is never rejected: it answers a mute.
        let is_release = command.class() == CommandClass::Release;
        let command = match command {
            Command::Leave(leave) => {
                let (reason, origin, session_id) = (LeaveReason::Left, Some(origin), session.id());
                let command =
                    RoomCommand::Leave { session: session_id, reason, origin, cause: None };
                return Ok((self.room_of(asked, &leave.room)?, command));
            }
            Command::Publish(publish) => {
                let (room, new) = (self.room_of(asked, &publish.room)?, publish.stream);
                room.ask_local(metrics, |room, local| {
                    local.take_publish(room, session.id(), &new, now)
                })?;
                let stream = StreamId::from_bits(self.context.rng.bits());
                return Ok((room, RoomCommand::Publish { origin, stream, new }));
            }
            Command::UpdateStream(update) => {
                let room = self.room_with_stream(asked, update.stream)?;
                if !is_release {
                    room.ask_local(metrics, |room, local| {
                        local.take_update(room, session.id(), &update, now)
                    })?;
                }
                return Ok((room, RoomCommand::UpdateStream { origin, update }));
            }
            Command::Unpublish(on) => {
                let room = self.room_with_target(session, asked, on.stream, on.ref_.as_ref())?;
                let (stream, ref_) = (on.stream, on.ref_);
                return Ok((room, RoomCommand::Unpublish { origin, stream, ref_ }));
            }
            Command::Subscribe(on) => {
                let room = self.room_with_stream(asked, on.stream)?;
                {
                    let mut inner = room.lock();
                    let to = receiver_of_subscription(&inner.room, session.id(), on.stream);
                    if let Some(to) = to {
                        self.take_relayed(&mut inner, to, FRAME_OVERHEAD_BYTES, now)?;
                    }
                }
                return Ok((room, RoomCommand::Subscribe { origin, stream: on.stream }));
            }
            Command::Unsubscribe(on) => {
                let command = RoomCommand::Unsubscribe { origin, stream: on.stream };
                return Ok((self.room_with_stream(asked, on.stream)?, command));
            }
            Command::SetSessionFeed(feed) => {
                let room = self.room_of(asked, &feed.room)?;
                if feed.enabled {
                    room.ask_local(metrics, |room, local| {
                        local.take_feed(room, session.id(), now)
                    })?;
                }
                return Ok((room, RoomCommand::SetSessionFeed { origin, enabled: feed.enabled }));
            }
            other => moderation_of(other)?,
        };
        let room = self.room_of_moderation(session, asked, &command)?;
        let adds_records = room.lock().room.adds_records(&command);
        if adds_records && let Err(full) = check_records(&self.context, &session.user().app, false)
        {
            // A repeated command is answered from the cache.
            let is_repeated = |ref_| room.lock().room.has_used_ref(session.id(), ref_);
            if !command.ref_().is_some_and(is_repeated) {
                return Err(full);
            }
        }
        Ok((room, RoomCommand::Moderate { origin, command, server: None }))
    }

    /// The room of a command. The moderator must be in it, or it must hold the result of this command by its `ref`: the
    /// command may have removed the moderator, as `end_room` does.
    fn room_of_moderation(
        &self,
        session: &SessionHandle,
        asked: &RoomTags,
        command: &Moderation,
    ) -> Result<Arc<RoomHandle>, Error> {
        let room = match target_of(command) {
            CommandTarget::Stream(stream) => {
                return self.room_with_target(session, asked, stream, command.ref_());
            }
            CommandTarget::Room(room) => room,
        };
        self.room_of(asked, room).or_else(|error| {
            let ref_ = command.ref_().ok_or_else(|| error.clone())?;
            let key = RoomKey { app: Arc::clone(&session.user().app), room: room.clone() };
            let now = self.context.clock.monotonic();
            self.registry.find_by_ref(&key, session.id(), ref_, now).ok_or(error)
        })
    }

    fn session_signal(
        &self,
        session: &SessionHandle,
        permit: &RequestPermit,
        signal: SendSignal,
        now: Now,
    ) -> Option<Result<Reply, Error>> {
        let origin = Origin::Session { session: session.id(), request: permit.number() };
        let sent = match self.room_of(permit.rooms(), &signal.room) {
            Ok(room) => self.signal(&room, Some(session.id()), signal, now),
            Err(error) => Answer::ready(Err(error)),
        };
        self.answer_when_sent(origin, sent.map(|sent| sent.map(Reply::Sent)))
    }

    /// The reply to a request that sends a message, if it is available now; otherwise the reply follows later.
    fn answer_when_sent(
        &self,
        origin: Origin,
        sent: Answer<Result<Reply, Error>>,
    ) -> Option<Result<Reply, Error>> {
        match sent.now_or_later() {
            Ok(result) => Some(result),
            Err(later) => {
                let deferred = Arc::clone(&self.executor.deferred);
                self.context
                    .lifecycle
                    .spawn(async move { deferred.reply(None, origin, &later.await) });
                None
            }
        }
    }

    /// Sends a signal of a session, or of the server, to the room's sessions on all nodes.
    pub(in crate::hub) fn signal(
        &self,
        room: &Arc<RoomHandle>,
        from: Option<SessionId>,
        signal: SendSignal,
        now: Now,
    ) -> Answer<Result<Sent, Error>> {
        let mut inner = room.lock();
        let RoomInner { room: state, local, .. } = &mut *inner;
        let mut new = match local.accept_signal(state, from, &signal, now.monotonic) {
            Ok(AcceptedSignal::New(new)) => new,
            Ok(AcceptedSignal::Repeated(sent)) => return Answer::ready(Ok(sent)),
            Err(rejection) => {
                return Answer::ready(Err(count_rejection(&self.context.metrics, rejection)));
            }
        };
        if let (Some(_), Audience::One(to)) = (from, &new.to) {
            let bytes = signal.data.as_json().len() + FRAME_OVERHEAD_BYTES;
            if let Err(error) = self.take_relayed(&mut inner, *to, bytes, now.monotonic) {
                return Answer::ready(Err(error));
            }
        }
        let local = &mut inner.local;
        let SendSignal { room: id, type_, data, .. } = signal;
        // Each delivering node sets the order.
        let order = local.next_order();
        let push = Push::Signal(Signal { room: id, from: new.from.take(), order, type_, data });
        let message = RoomMessage { to: new.to.clone(), push };
        match self.engine.send(room.key(), local.last_order(), &message).now_or_later() {
            Ok(Ok(Delivered::ByCaller(order))) => {
                let sent = local.assign_order(&mut new, order, now.monotonic);
                push_to(&self.context, room, &inner, &message.to, &message.push);
                Answer::ready(Ok(sent))
            }
            Ok(Ok(Delivered::ByHandlers(order))) => {
                Answer::ready(Ok(local.assign_order(&mut new, order, now.monotonic)))
            }
            Ok(Err(error)) => Answer::ready(Err(error.into())),
            Err(later) => {
                let room = Arc::clone(room);
                Answer::pending(async move {
                    let (Delivered::ByCaller(order) | Delivered::ByHandlers(order)) = later.await?;
                    Ok(room.lock().local.assign_order(&mut new, order, now.monotonic))
                })
            }
        }
    }

    fn relay(
        &self,
        session: &SessionHandle,
        asked: &RoomTags,
        relay: Relay,
        now: Monotonic,
    ) -> Answer<Result<Reply, Error>> {
        let room = match self.room_with_stream(asked, relay.stream) {
            Ok(room) => room,
            Err(error) => return Answer::ready(Err(error)),
        };
        // A receiver on this node is reached without the engine, but what is sent to a room needs it.
        if *self.engine.health().borrow() != Health::Ready {
            return Answer::ready(Err(Error::engine_unavailable(
                "the engine is unavailable; retry",
            )));
        }
        let mut inner = room.lock();
        let accepted = match inner.room.relay(session.id(), &relay) {
            Ok(accepted) => accepted,
            Err(error) => return Answer::ready(Err(error)),
        };
        let bytes = relay.data.as_json().len() + FRAME_OVERHEAD_BYTES;
        if let Err(error) = self.take_relayed(&mut inner, accepted.to, bytes, now) {
            return Answer::ready(Err(error));
        }
        let Relay { stream, data, .. } = relay;
        let id = room.key().room.clone();
        let push = Push::Relay(Relayed { room: id, stream, from: accepted.from, data });
        let to = Audience::One(accepted.to);
        if inner.sessions.contains_key(&accepted.to) || !self.engine.is_shared() {
            push_to(&self.context, &room, &inner, &to, &push);
            return Answer::ready(Ok(Reply::Relayed {}));
        }
        let message = RoomMessage { to, push };
        let sent = self.engine.send(room.key(), inner.local.last_order(), &message);
        sent.map(|sent| sent.map(|_| Reply::Relayed {}).map_err(Error::from))
    }

    /// Counts bytes that one session sends to another alone: over all rooms of a receiver on this node, otherwise those
    /// that this node sends to it in the room.
    fn take_relayed(
        &self,
        inner: &mut RoomInner,
        to: SessionId,
        bytes: usize,
        now: Monotonic,
    ) -> Result<(), Error> {
        let rate = self.context.relay_rate();
        let taken = match inner.sessions.get(&to) {
            Some(receiver) => take_relayed(receiver, rate, bytes, now),
            None => inner.local.take_relayed(to, rate, bytes, now),
        };
        taken.map_err(|wait| {
            self.context.hit(Limit::RelayBytesPerReceiver);
            let message = "too many bytes for this receiver; wait before sending more to it";
            Error::new(ErrorCode::RateLimited, message).retry_after(wait)
        })
    }

    /// The room with this id, which the session must be in; `asked` are the tags that the session may mean by it.
    fn room_of(&self, asked: &RoomTags, room: &RoomId) -> Result<Arc<RoomHandle>, Error> {
        let found = asked.iter().find_map(|tag| self.registry.find_by_tag(*tag));
        found.filter(|found| found.key().room == *room).ok_or_else(|| {
            Error::new(ErrorCode::NotInRoom, "session is not in this room; `join` it first")
        })
    }

    /// The room of a command's stream. For an ended stream, the room that has the result of the command by its `ref`.
    fn room_with_target(
        &self,
        session: &SessionHandle,
        asked: &RoomTags,
        stream: StreamId,
        ref_: Option<&Ref>,
    ) -> Result<Arc<RoomHandle>, Error> {
        self.room_with_stream(asked, stream).or_else(|error| {
            let ref_ = ref_.ok_or_else(|| error.clone())?;
            let is_known = |room: &RoomHandle| room.lock().room.has_used_ref(session.id(), ref_);
            self.find_among(asked, is_known).ok_or(error)
        })
    }

    fn room_with_stream(
        &self,
        asked: &RoomTags,
        stream: StreamId,
    ) -> Result<Arc<RoomHandle>, Error> {
        let has_stream = |room: &RoomHandle| room.lock().room.has_stream(stream);
        self.find_among(asked, has_stream).ok_or_else(|| {
            Error::new(ErrorCode::StreamNotFound, "stream not found in the rooms of this session")
        })
    }

    /// The first of these rooms that matches `wanted`, which may lock the room.
    fn find_among(
        &self,
        rooms: &RoomTags,
        wanted: impl Fn(&RoomHandle) -> bool,
    ) -> Option<Arc<RoomHandle>> {
        let mut rooms = rooms.iter();
        rooms.find_map(|tag| self.registry.find_by_tag(*tag).filter(|room| wanted(room)))
    }
}

/// The room that a command names; `None` if it names a stream, or no room.
pub(in crate::hub) const fn named_room(command: &Command) -> Option<&RoomId> {
    match command {
        Command::Leave(body) => Some(&body.room),
        Command::Roster(body) => Some(&body.room),
        Command::Publish(body) => Some(&body.room),
        Command::Signal(body) => Some(&body.room),
        Command::SetSessionFeed(body) => Some(&body.room),
        Command::ForceDisconnect(body) => Some(&body.room),
        Command::Unblock(body) => Some(&body.room),
        Command::ForceMute(body) | Command::LiftMute(body) => match &body.target {
            MuteTarget::Stream(_) => None,
            MuteTarget::Person { room, .. } => Some(room),
        },
        Command::ForceMuteAll(body) => Some(&body.room),
        Command::SetRole(body) => Some(&body.room),
        Command::DisableForceMute(body)
        | Command::LockRoom(body)
        | Command::UnlockRoom(body)
        | Command::EndRoom(body) => Some(&body.room),
        Command::Start(_)
        | Command::Resume(_)
        | Command::Ping(_)
        | Command::Renew(_)
        | Command::PostponeRenewal(_)
        | Command::End(_)
        | Command::Join(_)
        | Command::UpdateStream(_)
        | Command::Unpublish(_)
        | Command::Subscribe(_)
        | Command::Unsubscribe(_)
        | Command::Relay(_)
        | Command::ForceUnpublish(_)
        | Command::RequestUnmute(_) => None,
    }
}

fn moderation_of(command: Command) -> Result<Moderation, Error> {
    Ok(match command {
        Command::ForceDisconnect(body) => Moderation::ForceDisconnect(body),
        Command::Unblock(body) => Moderation::Unblock(body),
        Command::ForceUnpublish(body) => Moderation::ForceUnpublish(body),
        Command::ForceMute(body) => Moderation::ForceMute(body),
        Command::LiftMute(body) => Moderation::LiftMute(body),
        Command::ForceMuteAll(body) => Moderation::ForceMuteAll(body),
        Command::DisableForceMute(body) => Moderation::DisableForceMute(body),
        Command::RequestUnmute(body) => Moderation::RequestUnmute(body),
        Command::SetRole(body) => Moderation::SetRole(body),
        Command::LockRoom(body) => Moderation::LockRoom(body),
        Command::UnlockRoom(body) => Moderation::UnlockRoom(body),
        Command::EndRoom(body) => Moderation::EndRoom(body),
        other => {
            let message = format!("`{}` is not a command of a room", other.name());
            return Err(Error::new(ErrorCode::NotAllowedNow, message));
        }
    })
}

/// The target of a command.
enum CommandTarget<'a> {
    Room(&'a RoomId),
    Stream(StreamId),
}

const fn target_of(command: &Moderation) -> CommandTarget<'_> {
    match command {
        Moderation::ForceDisconnect(body) => CommandTarget::Room(&body.room),
        Moderation::Unblock(body) => CommandTarget::Room(&body.room),
        Moderation::ForceUnpublish(body) => CommandTarget::Stream(body.stream),
        Moderation::ForceMute(body) | Moderation::LiftMute(body) => match &body.target {
            MuteTarget::Stream(stream) => CommandTarget::Stream(*stream),
            MuteTarget::Person { room, .. } => CommandTarget::Room(room),
        },
        Moderation::ForceMuteAll(body) => CommandTarget::Room(&body.room),
        Moderation::RequestUnmute(body) => CommandTarget::Stream(body.stream),
        Moderation::SetRole(body) => CommandTarget::Room(&body.room),
        Moderation::DisableForceMute(body)
        | Moderation::LockRoom(body)
        | Moderation::UnlockRoom(body)
        | Moderation::EndRoom(body) => CommandTarget::Room(&body.room),
    }
}
