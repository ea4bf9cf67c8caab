//! What a connection tells its program unasked.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use stagedoor_proto::{Action, Disconnect, Error, Push, Reply};
use tokio::sync::mpsc;

/// One thing that happened on a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The gateway told something.
    Push {
        /// The frame's number.
        seq: u64,
        /// What.
        push: Box<Push>,
    },
    /// The gateway told something that this version does not know.
    Unknown {
        /// The frame's number.
        seq: u64,
    },
    /// A reply that nobody here waits for: to a request sent before a resume.
    LateReply {
        /// The request's number.
        id: u32,
        /// What became of it.
        result: Result<Reply, Error>,
    },
    /// The connection has ended. Always the last event.
    Disconnected(Disconnected),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnected {
    /// What the gateway said before it closed.
    pub disconnect: Option<Disconnect>,
    /// The code of the close frame.
    pub close_code: Option<u16>,
    /// What the client saw.
    pub cause: Cause,
}

impl Disconnected {
    /// What to do next, by the gateway's word, else by the close code, else resume.
    #[must_use]
    pub fn action(&self) -> Action {
        match (&self.disconnect, self.close_code) {
            (Some(disconnect), _) => disconnect.action,
            (None, Some(code)) => Action::of(code),
            (None, None) => Action::Resume,
        }
    }

    /// Whether the session is over; otherwise it waits to be resumed.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        !matches!(self.action(), Action::Retry | Action::Resume)
    }
}

/// What a client saw when a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A close frame came.
    Closed,
    /// The socket ended without one.
    Lost,
    /// Nothing came for the announced interval and timeout.
    Silent,
    /// The program left more events unread than the queue holds.
    Overflow,
    /// A message came that the protocol does not know.
    Malformed,
    /// This program let go of the connection, not of the session.
    Detached,
}

/// The events of one connection, in order, ending with [`Event::Disconnected`].
///
/// The queue is bounded. A program that leaves it full loses the connection ([`Cause::Overflow`]) and no event: what was
/// not taken is not acknowledged, so a resume brings it again. Dropping this discards all later events.
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

    /// Waits for the connection to end, passing over all else; `None` when its end was taken before.
    pub async fn disconnected(&mut self) -> Option<Disconnected> {
        while let Some(event) = self.next().await {
            if let Event::Disconnected(end) = event {
                return Some(end);
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
