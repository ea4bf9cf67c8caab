//! The floor's rooms: what comes from a sender is written to all others, a write for each.
//!
//! No rings, no queues, no versions: the frames are as the gateway's, made once a room and written again and again,
//! but for the time of sending that each carries.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context as _;
use stagedoor_proto::{
    Accepted, Actor, ClientMessage, Command, ModerationCommand, ModerationReport, MuteForced,
    OutcomeCounts, ParticipantId, Push, Reply, RoomEnded, RoomId, Sent, Signal, SignalSender,
    decode_client, encode_push, encode_reply, frame_text,
};
use tokio::net::TcpStream;

use crate::worker::{restamp, server_text};

/// Every room of the floor.
#[derive(Default)]
pub(super) struct Rooms(Mutex<HashMap<RoomId, Arc<Room>>>);

/// A room: its receivers, and what to write.
#[derive(Default)]
struct Room {
    members: Mutex<Vec<Arc<TcpStream>>>,
    signal: OnceLock<Vec<u8>>,
}

/// A connection and the room it is in.
pub(super) struct Place {
    stream: Arc<TcpStream>,
    room: Option<Arc<Room>>,
}

impl Place {
    pub(super) const fn new(stream: Arc<TcpStream>) -> Self {
        Self { stream, room: None }
    }

    /// Does what a text asks for.
    pub(super) async fn handle(&mut self, rooms: &Rooms, text: &[u8]) -> anyhow::Result<()> {
        if let Some(room) = &self.room
            && let Some(frame) = room.signal.get()
            && is_signal(text)
        {
            let mut frame = frame.clone();
            restamp(&mut frame, text);
            room.write(&frame, Some(&self.stream)).await?;
            return write(&self.stream, &reply(0, Reply::Sent(Sent { recipients: 0, order: 1 })))
                .await;
        }
        let message = decode_client(std::str::from_utf8(text)?).context("not a message")?;
        let ClientMessage::Request(request) = message else { return Ok(()) };
        match request.command {
            Command::Join(join) => {
                let room = Arc::clone(
                    rooms
                        .0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .entry(join.room)
                        .or_default(),
                );
                room.members
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Arc::clone(&self.stream));
                self.room = Some(room);
                // No client here reads past its name.
                write(&self.stream, &server_text(br#"{"seq":1,"id":2,"ok":{"joined":{}}}"#)).await
            }
            Command::Signal(signal) => {
                let Some(room) = &self.room else { return Ok(()) };
                let participant = ParticipantId::from_bits(1);
                let from = Some(SignalSender { participant, username: SENDER.parse()? });
                let push = Push::Signal(Signal {
                    room: signal.room,
                    from,
                    order: 1_000,
                    type_: signal.type_,
                    data: signal.data,
                });
                let frame = room.signal.get_or_init(|| pushed(&push));
                room.write(frame, Some(&self.stream)).await?;
                write(
                    &self.stream,
                    &reply(request.id, Reply::Sent(Sent { recipients: 0, order: 1 })),
                )
                .await
            }
            Command::ForceMuteAll(command) => {
                let mute = MuteForced {
                    room: command.room.clone(),
                    version: 1_000,
                    stream: None,
                    participant: None,
                    except: Vec::new(),
                    active: true,
                    lock: false,
                    by: actor(),
                };
                self.moderate(
                    request.id,
                    ModerationCommand::ForceMuteAll,
                    command.room,
                    Push::MuteForced(mute),
                )
                .await
            }
            Command::EndRoom(command) => {
                let ended = RoomEnded { room: command.room.clone(), by: actor() };
                self.moderate(
                    request.id,
                    ModerationCommand::EndRoom,
                    command.room,
                    Push::RoomEnded(ended),
                )
                .await
            }
            other => anyhow::bail!("the floor knows no `{}`", other.name()),
        }
    }

    async fn moderate(
        &self,
        id: u32,
        command: ModerationCommand,
        room_id: RoomId,
        push: Push,
    ) -> anyhow::Result<()> {
        let Some(room) = &self.room else { return Ok(()) };
        room.write(&pushed(&push), None).await?;
        let report = Push::Moderation(ModerationReport {
            room: room_id,
            version: 1_000,
            ref_: None,
            command,
            by: actor(),
            counts: OutcomeCounts::default(),
            targets: Vec::new(),
            elapsed_ms: 0,
            durable: false,
        });
        write(&self.stream, &pushed(&report)).await?;
        let accepted = Accepted {
            version: 1_000,
            target_count: 0,
            participant: None,
            role: None,
            block: None,
            accepted_from_ms: None,
        };
        write(&self.stream, &reply(id, Reply::Accepted(accepted))).await
    }
}

impl Drop for Place {
    /// A room that kept the streams of those who left would keep their descriptors open too.
    fn drop(&mut self) {
        let Some(room) = &self.room else { return };
        let mut members = room.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = members.iter().position(|member| Arc::ptr_eq(member, &self.stream)) {
            members.swap_remove(at);
        }
    }
}

impl Room {
    /// Writes `frame` to every member but one, a write for each.
    async fn write(&self, frame: &[u8], except: Option<&Arc<TcpStream>>) -> anyhow::Result<()> {
        let mut behind = Vec::new();
        for member in self.members.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if except.is_some_and(|except| Arc::ptr_eq(except, member)) {
                continue;
            }
            match member.try_write(frame) {
                Ok(count) if count == frame.len() => {}
                Ok(count) => behind.push((Arc::clone(member), count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    behind.push((Arc::clone(member), 0));
                }
                // Closed connections get nothing.
                Err(_) => {}
            }
        }
        for (member, written) in behind {
            write(&member, &frame[written..]).await?;
        }
        Ok(())
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> anyhow::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether a request of the load tester is a signal: its name stands right behind its number.
fn is_signal(text: &[u8]) -> bool {
    text.windows(SIGNAL.len()).take(MAX_NAME_AT).any(|window| window == SIGNAL)
}

fn pushed(push: &Push) -> Vec<u8> {
    framed(&encode_push(push))
}

fn reply(id: u32, reply: Reply) -> Vec<u8> {
    framed(&encode_reply(id, &Ok(reply)))
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    frame_text(Some(SEQ), body, &mut text);
    server_text(&text)
}

const fn actor() -> Actor {
    Actor::Server {}
}

const SIGNAL: &[u8] = br#""signal":"#;
const MAX_NAME_AT: usize = 24;
/// As long as a number in the midst of a run.
const SEQ: u64 = 1_000;
/// As long as the name of a load tester's session.
const SENDER: &str = "load-12345-0-gateway-0";
