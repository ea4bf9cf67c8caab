//! Publishing streams: the commands of a room, and the handle of a published stream.

use stagedoor_proto::{
    Command, NewStream, OnStream, Publish, Reply, Stream, StreamId, UpdateStream,
};

use crate::{RequestError, Room};

impl Room {
    /// Publishes a stream.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn publish(&self, stream: NewStream) -> Result<OwnStream, RequestError> {
        let command = Command::Publish(Publish { room: self.id().clone(), stream });
        let published = self
            .ask(command, |reply| match reply {
                Reply::Published(published) => Some(published),
                _ => None,
            })
            .await?;
        Ok(OwnStream { room: self.clone(), id: published.stream.id })
    }

    /// Updates a stream of this session. Turning audio off acknowledges a mute.
    ///
    /// # Errors
    /// [`RequestError`]; the gateway rejects turning audio on under a lock with `muted_by_moderator`.
    pub async fn update_stream(&self, update: UpdateStream) -> Result<Stream, RequestError> {
        self.ask(Command::UpdateStream(update), |reply| match reply {
            Reply::Updated(updated) => Some(updated.stream),
            _ => None,
        })
        .await
    }

    /// Ends a stream of this session.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unpublish(&self, stream: StreamId) -> Result<(), RequestError> {
        let command = Command::Unpublish(OnStream { stream, ref_: None });
        self.ask(command, |reply| matches!(reply, Reply::Unpublished {}).then_some(())).await
    }
}

/// A published stream; clones are handles of the same stream, and dropping them does not end it.
#[derive(Clone, Debug)]
pub struct OwnStream {
    room: Room,
    id: StreamId,
}

impl OwnStream {
    /// The id of the stream.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// The current state of the stream; `None` after it ended.
    #[must_use]
    pub fn view(&self) -> Option<Stream> {
        self.room.view().streams.get(&self.id).cloned()
    }

    /// Turns the audio on or off. Off acknowledges a mute.
    ///
    /// # Errors
    /// [`RequestError`]; the gateway rejects turning audio on under a lock with `muted_by_moderator`.
    pub async fn set_audio(&self, on: bool) -> Result<Stream, RequestError> {
        self.room.update_stream(UpdateStream { has_audio: Some(on), ..self.unchanged() }).await
    }

    /// Turns the video on or off.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_video(&self, on: bool) -> Result<Stream, RequestError> {
        self.room.update_stream(UpdateStream { has_video: Some(on), ..self.unchanged() }).await
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unpublish(&self) -> Result<(), RequestError> {
        self.room.unpublish(self.id).await
    }

    /// An empty update of this stream, to fill in for [`Room::update_stream`].
    #[must_use]
    pub const fn unchanged(&self) -> UpdateStream {
        UpdateStream {
            stream: self.id,
            has_audio: None,
            has_video: None,
            name: None,
            layout_classes: None,
        }
    }
}
