//! What a session asks for in the rooms it is in.
//!
//! A command that changes a room is appended to the room's log and answered from there. Signals, relays and rosters
//! change nothing that has to be agreed on, and are answered here.

use std::sync::Arc;

use stagedoor_proto::{
    Command, Error, ErrorCode, LeaveReason, MuteTarget, Push, Ref, Relay, Relayed, Reply, RoomId,
    SendSignal, Signal, StreamId, Timestamp,
};

use super::handle::Place;
use crate::hub::Hub;
use crate::hub::sessions::SessionHandle;
use crate::room::{Audience, Moderation, Origin, RoomCommand, RoomKey};

/// Where a command belongs, and what it is in a room's log.
type Addressed = Result<(Arc<Place>, RoomCommand), Error>;

impl Hub {
    /// Does what a session asks for in a room; `Some` is the answer, where the room's log does not give it.
    pub(in crate::hub) fn handle_room_command(
        &self,
        session: &Arc<SessionHandle>,
        request: u32,
        command: Command,
        now: Timestamp,
    ) -> Option<Result<Reply, Error>> {
        let origin = Origin::Session { session: session.id(), request };
        let answer = match command {
            Command::Signal(signal) => {
                self.signal(session, signal, now).inspect_err(|error| self.count_signal(error))
            }
            Command::Relay(relay) => self.relay(session, relay),
            Command::Roster(roster) => in_room(session, &roster.room).and_then(|place| {
                let page = place.lock().room.roster(session.id(), roster.after.as_deref(), now);
                page.map(Reply::Roster)
            }),
            logged => match self.address(session, origin, logged) {
                Ok((place, command)) => {
                    self.append(place.key(), command);
                    return None;
                }
                Err(error) => Err(error),
            },
        };
        Some(answer)
    }

    fn address(&self, session: &SessionHandle, origin: Origin, command: Command) -> Addressed {
        let verb = match command {
            Command::Leave(leave) => {
                let (reason, origin, session_id) = (LeaveReason::Left, Some(origin), session.id());
                let command =
                    RoomCommand::Leave { session: session_id, reason, origin, cause: None };
                return Ok((in_room(session, &leave.room)?, command));
            }
            Command::Publish(publish) => {
                let stream = StreamId::from_bits(self.rng.bits());
                let command = RoomCommand::Publish { origin, stream, new: publish.stream };
                return Ok((in_room(session, &publish.room)?, command));
            }
            Command::UpdateStream(update) => {
                let place = with_stream(session, update.stream)?;
                return Ok((place, RoomCommand::UpdateStream { origin, update }));
            }
            Command::Unpublish(on) => {
                let place = with_target(session, on.stream, on.ref_.as_ref())?;
                let (stream, ref_) = (on.stream, on.ref_);
                return Ok((place, RoomCommand::Unpublish { origin, stream, ref_ }));
            }
            Command::Subscribe(on) => {
                let command = RoomCommand::Subscribe { origin, stream: on.stream };
                return Ok((with_stream(session, on.stream)?, command));
            }
            Command::Unsubscribe(on) => {
                let command = RoomCommand::Unsubscribe { origin, stream: on.stream };
                return Ok((with_stream(session, on.stream)?, command));
            }
            Command::Watch(watch) => {
                let command = RoomCommand::Watch { origin, on: watch.on };
                return Ok((in_room(session, &watch.room)?, command));
            }
            other => verb_of(other)?,
        };
        let place = self.place_of(session, &verb)?;
        Ok((place, RoomCommand::Moderate { origin, verb, server: None }))
    }

    /// The room a verb is about, which the moderator has to be in, or where this very verb was done by its `ref`: it may
    /// have cost the moderator their place, as `end_room` does.
    fn place_of(&self, session: &SessionHandle, verb: &Moderation) -> Result<Arc<Place>, Error> {
        let room = match about(verb) {
            About::Stream(stream) => return with_target(session, stream, verb.ref_()),
            About::Room(room) => room,
        };
        in_room(session, room).or_else(|error| {
            let ref_ = verb.ref_().ok_or_else(|| error.clone())?;
            let key = RoomKey { app: Arc::clone(&session.user().app), room: room.clone() };
            let place = self.rooms.find(&key);
            place.filter(|place| place.lock().room.knows_ref(session.id(), ref_)).ok_or(error)
        })
    }

    fn signal(
        &self,
        session: &SessionHandle,
        signal: SendSignal,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        let place = in_room(session, &signal.room)?;
        let mut inside = place.lock();
        let signalling = inside.room.signal(Some(session.id()), &signal, now)?;
        if let Some(to) = signalling.to {
            let SendSignal { room, type_, data, .. } = signal;
            let (from, order) = (signalling.from, signalling.sent.order);
            let push = Push::Signal(Signal { room, from, order, type_, data });
            self.push_to(&place, &inside, &to, &push);
        }
        Ok(Reply::Sent(signalling.sent))
    }

    fn relay(&self, session: &SessionHandle, relay: Relay) -> Result<Reply, Error> {
        let place = with_stream(session, relay.stream)?;
        let inside = place.lock();
        let relaying = inside.room.relay(session.id(), &relay)?;
        let Relay { stream, data, .. } = relay;
        let push = Push::Relay(Relayed {
            room: place.key().room.clone(),
            stream,
            from: relaying.from,
            data,
        });
        self.push_to(&place, &inside, &Audience::One(relaying.to), &push);
        Ok(Reply::Relayed {})
    }
}

fn verb_of(command: Command) -> Result<Moderation, Error> {
    Ok(match command {
        Command::ForceDisconnect(body) => Moderation::ForceDisconnect(body),
        Command::Unblock(body) => Moderation::Unblock(body),
        Command::ForceUnpublish(body) => Moderation::ForceUnpublish(body),
        Command::ForceMute(body) => Moderation::ForceMute(body),
        Command::LiftMute(body) => Moderation::LiftMute(body),
        Command::ForceMuteAll(body) => Moderation::ForceMuteAll(body),
        Command::DisableForceMute(body) => Moderation::DisableForceMute(body),
        Command::AskUnmute(body) => Moderation::AskUnmute(body),
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

/// What a verb is about.
enum About<'a> {
    Room(&'a RoomId),
    Stream(StreamId),
}

fn about(verb: &Moderation) -> About<'_> {
    match verb {
        Moderation::ForceDisconnect(body) => About::Room(&body.room),
        Moderation::Unblock(body) => About::Room(&body.room),
        Moderation::ForceUnpublish(body) => About::Stream(body.stream),
        Moderation::ForceMute(body) | Moderation::LiftMute(body) => match &body.target {
            MuteTarget::Stream(stream) => About::Stream(*stream),
            MuteTarget::Person { room, .. } => About::Room(room),
        },
        Moderation::ForceMuteAll(body) => About::Room(&body.room),
        Moderation::AskUnmute(body) => About::Stream(body.stream),
        Moderation::SetRole(body) => About::Room(&body.room),
        Moderation::DisableForceMute(body)
        | Moderation::LockRoom(body)
        | Moderation::UnlockRoom(body)
        | Moderation::EndRoom(body) => About::Room(&body.room),
    }
}

fn in_room(session: &SessionHandle, room: &RoomId) -> Result<Arc<Place>, Error> {
    session.room(room).ok_or_else(|| {
        Error::new(ErrorCode::NotInRoom, "the session is not in this room; `join` it first")
    })
}

/// The room of a command's stream; where the stream has ended, the room that knows the command by its `ref` and answers
/// again.
fn with_target(
    session: &SessionHandle,
    stream: StreamId,
    ref_: Option<&Ref>,
) -> Result<Arc<Place>, Error> {
    with_stream(session, stream).or_else(|error| {
        let ref_ = ref_.ok_or_else(|| error.clone())?;
        let mut rooms = session.rooms().into_iter();
        rooms.find(|place| place.lock().room.knows_ref(session.id(), ref_)).ok_or(error)
    })
}

fn with_stream(session: &SessionHandle, stream: StreamId) -> Result<Arc<Place>, Error> {
    let mut rooms = session.rooms().into_iter();
    rooms.find(|place| place.lock().room.has_stream(stream)).ok_or_else(|| {
        Error::new(ErrorCode::StreamNotFound, "no room of this session has this stream")
    })
}
