//! Events of a session.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use stagedoor_proto::{Error, Push, Reply, RoomId, SessionId};
use tokio::sync::mpsc;

use crate::{Disconnected, Ending};

/// An event of a session.
///
/// Order: frames ([`Event::Push`], [`Event::Unknown`], [`Event::LateReply`]); then [`Event::Suspended`], always
/// followed by [`Event::Resumed`], [`Event::Restarted`] or [`Event::Ended`]; and so on until [`Event::Ended`], the
/// last event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A push of the gateway.
    Push {
        /// The number of the frame.
        seq: u64,
        /// The push.
        push: Box<Push>,
    },
    /// A push that this version does not know.
    Unknown {
        /// The number of the frame.
        seq: u64,
    },
    /// A reply without a pending request: to a request sent before a resume from a bare ticket.
    LateReply {
        /// The id of the request.
        id: u32,
        /// The result of the request.
        result: Result<Reply, Error>,
    },
    /// The gateway rejected a renewal that the provider or the session handler decided. The session goes on as it was;
    /// without a renewal it expires.
    RenewalFailed(Error),
    /// The connection was lost, and the client reconnects; requests wait meanwhile.
    Suspended {
        /// Why the connection was lost.
        end: Disconnected,
        /// The wait before the first attempt.
        retry_after: Duration,
    },
    /// The session was resumed. Missed pushes follow; none is lost.
    Resumed {
        /// Number of missed frames that follow.
        replayed_count: u32,
    },
    /// The session could not be resumed, and a new one was started: pushes in between are lost.
    ///
    /// Each room is joined again, with an [`Event::Rejoined`]; streams have to be published again.
    Restarted {
        /// The new session.
        session: SessionId,
    },
    /// The result of the return to a room after [`Event::Restarted`]. On success its handles continue to work.
    Rejoined {
        /// The id of the room.
        room: RoomId,
        /// The error, if the room could not be joined again.
        result: Result<(), Error>,
    },
    /// The client has ended. Always the last event.
    Ended(Ending),
}

/// The events of one session, in order, ending with [`Event::Ended`].
///
/// The queue is bounded. When it is full, the client closes the connection
/// ([`Cause::Overflow`](crate::Cause::Overflow)). No event is lost: unread frames are not acknowledged, and the client
/// resumes once the queue has space. Dropping this discards all later events.
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

    /// Waits for the session to end and discards other events; `None` if the last event was already taken.
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
