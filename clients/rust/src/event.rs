//! Events of a session.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use stagedoor_proto::{Error, Push, Reply, RoomId, SessionId};
use tokio::sync::mpsc;

use crate::{Disconnected, Ending};

/// One thing that happened to a session.
///
/// Shape: frames ([`Event::Push`], [`Event::Unknown`], [`Event::LateReply`]); then [`Event::Suspended`], always
/// followed by [`Event::Resumed`], [`Event::Restarted`] or [`Event::Ended`]; so it goes on until [`Event::Ended`], the
/// last.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A push of the gateway.
    Push {
        /// The frame's number.
        seq: u64,
        /// What.
        push: Box<Push>,
    },
    /// A push that this version does not know.
    Unknown {
        /// The frame's number.
        seq: u64,
    },
    /// A reply without a pending request: to a request sent before a resume from a bare ticket.
    LateReply {
        /// The request's number.
        id: u32,
        /// What became of it.
        result: Result<Reply, Error>,
    },
    /// The connection was lost, and the client is going to return; requests wait meanwhile.
    Suspended {
        /// How it was lost.
        end: Disconnected,
        /// How long until the first attempt.
        retry_after: Duration,
    },
    /// The session goes on: nothing was missed. Missed pushes follow.
    Resumed {
        /// How many frames follow that were missed.
        replayed_count: u32,
    },
    /// The session was gone, and a new one took its place: pushes in between are lost.
    ///
    /// Each room is joined again, with an [`Event::Rejoined`]; streams have to be published again.
    Restarted {
        /// The new session.
        session: SessionId,
    },
    /// What came of the return to a room after [`Event::Restarted`]. Its handles go on where it succeeded.
    Rejoined {
        /// The room.
        room: RoomId,
        /// Why it could not be entered again.
        result: Result<(), Error>,
    },
    /// The session is over for this client. Always the last event.
    Ended(Ending),
}

/// The events of one session, in order, ending with [`Event::Ended`].
///
/// The queue is bounded. A program that leaves it full loses the connection
/// ([`Cause::Overflow`](crate::Cause::Overflow)) and no event: what was not taken is not acknowledged, and the client
/// returns for it once there is room. Dropping this discards all later events.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Event>,
}

impl Events {
    pub(crate) const fn new(queue: mpsc::Receiver<Event>) -> Self {
        Self { queue }
    }

    /// The next event; `None` after the last.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        self.queue.recv().await
    }

    /// Waits for the session to end, passing over all else; `None` when its end was taken before.
    pub async fn ended(&mut self) -> Option<Ending> {
        while let Some(event) = self.next().await {
            if let Event::Ended(ending) = event {
                return Some(ending);
            }
        }
        None
    }
}

impl Stream for Events {
    type Item = Event;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_recv(cx)
    }
}
