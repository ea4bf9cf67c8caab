//! The handle of a stream one publishes.

use stagedoor_proto::{Stream, StreamId, UpdateStream};

use crate::{RequestError, Room};

/// A stream of one's own; clones are the same stream, and dropping them all does not end it.
#[derive(Clone, Debug)]
pub struct OwnStream {
    room: Room,
    id: StreamId,
}

impl OwnStream {
    pub(crate) const fn new(room: Room, id: StreamId) -> Self {
        Self { room, id }
    }

    /// The stream's id.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// The stream as of now; `None` once it has ended.
    #[must_use]
    pub fn view(&self) -> Option<Stream> {
        self.room.view().streams.get(&self.id).cloned()
    }

    /// Turns its audio on or off. Off acknowledges a mute.
    ///
    /// # Errors
    /// [`RequestError`]; on under a lock is refused with `muted_by_moderator`.
    pub async fn set_audio(&self, on: bool) -> Result<Stream, RequestError> {
        self.room.update_stream(UpdateStream { has_audio: Some(on), ..self.unchanged() }).await
    }

    /// Turns its video on or off.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_video(&self, on: bool) -> Result<Stream, RequestError> {
        self.room.update_stream(UpdateStream { has_video: Some(on), ..self.unchanged() }).await
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unpublish(&self) -> Result<(), RequestError> {
        self.room.unpublish(self.id).await
    }

    /// An update of this stream that changes nothing, to be filled in for [`Room::update_stream`].
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
