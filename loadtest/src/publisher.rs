//! A participant with a stream that obeys moderators: it turns the audio off when it is muted.
//!
//! Held by the parent, unlike the sessions of workers, so that what is sent to the server API and what is heard here
//! are timed by one clock. It answers pings only while it is waited for: it is never idle for long.

use std::time::Duration;

use anyhow::{Context as _, bail};
use stagedoor_client::Wire;
use stagedoor_proto::{
    ClientMessage, Command, Join, LayoutClasses, MuteForced, NewStream, Pong, Publish, Push, Reply,
    RoomId, SUBPROTOCOL, Secret, ServerMessage, StreamId, StreamKind, UpdateStream,
};
use tokio::time::timeout;

use crate::start::Starts;
use crate::target::Target;

/// A session with a stream in a room.
pub(crate) struct Publisher {
    talk: Talk,
    stream: StreamId,
}

/// A connection on which one request is made at a time.
struct Talk {
    wire: Wire,
    /// The number of the last frame received.
    seq: u64,
    /// The number of the last request made.
    asked: u32,
}

impl Publisher {
    /// Starts as the user `name`, enters `room` with a room token, and publishes a stream with its audio on.
    pub(crate) async fn enter(
        target: &Target,
        starts: &Starts,
        name: &str,
        room: &RoomId,
        token: Secret,
    ) -> anyhow::Result<Self> {
        let offer = [("Sec-WebSocket-Protocol", SUBPROTOCOL)];
        let mut wire = Wire::connect(&target.url(), &offer).await?;
        wire.send_json(&starts.message(name)?).await?;
        let mut talk = Talk { wire, seq: 0, asked: FIRST_REQUEST };
        talk.reply().await.context("cannot start")?;
        let join = Join { room: room.clone(), token: Some(token), data: None };
        talk.ask(Command::Join(join)).await.context("cannot join")?;
        let stream = NewStream {
            name: None,
            kind: StreamKind::Audio,
            has_audio: true,
            has_video: false,
            layout_classes: LayoutClasses::default(),
        };
        let publish = Publish { room: room.clone(), stream };
        match talk.ask(Command::Publish(publish)).await.context("cannot publish")? {
            Reply::Published(published) => Ok(Self { talk, stream: published.stream.id }),
            other => bail!("the gateway replied {other:?} to `publish`"),
        }
    }

    /// Its stream.
    pub(crate) const fn stream(&self) -> StreamId {
        self.stream
    }

    /// Waits for the push that mutes its stream, or lifts the mute.
    pub(crate) async fn hears(&mut self, active: bool) -> anyhow::Result<()> {
        let notified = async {
            loop {
                let message = self.talk.next().await?;
                if self.is_mute_push(&message, active) {
                    return Ok(());
                }
            }
        };
        timeout(PATIENCE, notified).await.context("no `mute_forced` came in time")?
    }

    /// Turns its audio on or off.
    pub(crate) async fn turn_audio(&mut self, on: bool) -> anyhow::Result<()> {
        let update = UpdateStream {
            stream: self.stream,
            has_audio: Some(on),
            has_video: None,
            name: None,
            layout_classes: None,
        };
        self.talk.ask(Command::UpdateStream(update)).await.context("cannot turn the audio")?;
        Ok(())
    }

    /// Closes, which ends the session.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        Ok(self.talk.wire.close().await?)
    }

    fn is_mute_push(&self, message: &ServerMessage, active: bool) -> bool {
        let ServerMessage::Push { push, .. } = message else { return false };
        let Push::MuteForced(MuteForced { stream, active: is_active, .. }) = &**push else {
            return false;
        };
        stream.as_ref() == Some(&self.stream) && *is_active == active
    }
}

impl Talk {
    async fn ask(&mut self, command: Command) -> anyhow::Result<Reply> {
        self.asked += 1;
        self.wire.request(self.asked, command).await?;
        self.reply().await
    }

    /// Waits for the reply to the last request.
    async fn reply(&mut self) -> anyhow::Result<Reply> {
        let replied = async {
            loop {
                match self.next().await? {
                    ServerMessage::Reply { id, result, .. } if id == self.asked => {
                        return Ok(result?);
                    }
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, replied).await.context("no reply came in time")?
    }

    /// The next message that is no ping; pings are answered.
    async fn next(&mut self) -> anyhow::Result<ServerMessage> {
        loop {
            let message = self.wire.recv_message().await?;
            match &message {
                ServerMessage::Ping => {
                    let pong = ClientMessage::Pong(Pong { seq: self.seq });
                    self.wire.send_json(&pong).await?;
                    continue;
                }
                ServerMessage::Disconnect(end) => bail!("the gateway closed: {}", end.reason),
                ServerMessage::Push { seq, .. } | ServerMessage::Unknown { seq } => self.seq = *seq,
                ServerMessage::Reply { seq, .. } => self.seq = seq.unwrap_or(self.seq),
            }
            return Ok(message);
        }
    }
}

/// The number that a start has.
const FIRST_REQUEST: u32 = 1;
const PATIENCE: Duration = Duration::from_secs(30);
