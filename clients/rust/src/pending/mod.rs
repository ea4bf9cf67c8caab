//! The requests that wait for a reply, in order.
//!
//! Invariant: ids are unique, and at most the announced number of requests is in flight. A request survives its
//! connection: after a resume it is answered, sent again with the same id, or fails as interrupted. Dropping this
//! fails all of them with a lost connection.

use stagedoor_proto::{ClientMessage, Command, Reply, Request, RoomId};
use tokio::sync::oneshot;

use crate::RequestError;
use crate::repeat::is_repeatable;
use crate::rooms::RequestContext;

/// The receiver of a reply.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    /// To the caller.
    Caller(oneshot::Sender<Result<Reply, RequestError>>),
    /// The client, which returns to a room.
    Rejoin(RoomId),
    /// The client, which renews as the provider decided.
    Renewal,
}

/// A request without its reply.
#[derive(Debug)]
struct PendingRequest {
    id: u32,
    text: String,
    reply_to: ReplyTo,
    subject: RequestContext,
    is_repeatable: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    ToSend,
    Sent,
    /// Sent on a lost connection and not pending at the gateway: answered in the replay, or never received.
    Unsure,
}

/// The requests of one session.
#[derive(Debug)]
pub(crate) struct PendingRequests {
    /// Oldest first. There are few, so lookups scan from the front.
    requests: Vec<PendingRequest>,
    next_id: u32,
    most: usize,
}

impl PendingRequests {
    /// Ids start at `first_id`; at most `most` requests are in flight.
    pub(crate) fn new(first_id: u32, most: u16) -> Self {
        Self { requests: Vec::new(), next_id: first_id, most: usize::from(most.max(1)) }
    }

    /// Whether there is space for another request; further callers wait.
    pub(crate) fn has_capacity(&self) -> bool {
        self.requests.len() < self.most
    }

    /// Adds a request with an unused id.
    pub(crate) fn add(&mut self, command: Command, reply_to: ReplyTo) -> u32 {
        // Terminates, because there are fewer requests than ids.
        while self.requests.iter().any(|asked| asked.id == self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let (subject, is_repeatable) = (RequestContext::of(&command), is_repeatable(&command));
        let message = ClientMessage::Request(Request { id, command });
        let text = serde_json::to_string(&message).expect("wire types have a JSON form");
        self.requests.push(PendingRequest {
            id,
            text,
            reply_to,
            subject,
            is_repeatable,
            stage: Stage::ToSend,
        });
        id
    }

    /// The next request to send, if another may be in flight. `only_rejoins` restricts it to returns to rooms.
    pub(crate) fn next_to_send(&mut self, only_rejoins: bool) -> Option<String> {
        if self.requests.iter().filter(|asked| asked.stage != Stage::ToSend).count() >= self.most {
            return None;
        }
        let is_next = |asked: &&mut PendingRequest| {
            let is_rejoin = matches!(asked.reply_to, ReplyTo::Rejoin(_));
            asked.stage == Stage::ToSend && (is_rejoin || !only_rejoins)
        };
        let next = self.requests.iter_mut().find(is_next)?;
        next.stage = Stage::Sent;
        Some(next.text.clone())
    }

    /// Whether the reply to `id` goes only to its caller.
    pub(crate) fn is_for_caller(&self, id: u32) -> bool {
        self.requests
            .iter()
            .any(|asked| asked.id == id && matches!(asked.reply_to, ReplyTo::Caller(_)))
    }

    /// Removes request `id`, and returns its receiver and topic.
    pub(crate) fn take(&mut self, id: u32) -> Option<(ReplyTo, RequestContext)> {
        let index = self.requests.iter().position(|asked| asked.id == id)?;
        let asked = self.requests.remove(index);
        Some((asked.reply_to, asked.subject))
    }

    /// The session was resumed: only the replies to `pending` come after the replay.
    pub(crate) fn note_resumed(&mut self, pending: &[u32]) {
        for asked in self.requests.iter_mut().filter(|asked| asked.stage != Stage::ToSend) {
            asked.stage = if pending.contains(&asked.id) { Stage::Sent } else { Stage::Unsure };
        }
    }

    /// The replay is complete: requests that it did not answer were never received and are sent again.
    ///
    /// If the replay has a gap (`may_be_done`), it may have included a reply: requests that must not be repeated fail
    /// then.
    pub(crate) fn note_replayed(&mut self, may_be_done: bool) {
        self.fail_pending(|asked| {
            asked.stage == Stage::Unsure && may_be_done && !asked.is_repeatable
        });
        for asked in self.requests.iter_mut().filter(|asked| asked.stage == Stage::Unsure) {
            asked.stage = Stage::ToSend;
        }
    }

    /// A new session replaced the previous one: repeatable requests are sent again, at most `most` at a time.
    pub(crate) fn note_restarted(&mut self, most: u16) {
        self.most = usize::from(most.max(1));
        self.requests.retain(|asked| matches!(asked.reply_to, ReplyTo::Caller(_)));
        self.fail_pending(|asked| asked.stage != Stage::ToSend && !asked.is_repeatable);
        for asked in &mut self.requests {
            asked.stage = Stage::ToSend;
        }
    }

    /// The session ended at the request of the client, but the reply was lost.
    pub(crate) fn note_ended(&mut self) {
        for asked in self.requests.extract_if(.., |asked| asked.subject == RequestContext::End) {
            if let ReplyTo::Caller(reply_to) = asked.reply_to {
                let _ = reply_to.send(Ok(Reply::Ended {}));
            }
        }
    }

    fn fail_pending(&mut self, mut which: impl FnMut(&PendingRequest) -> bool) {
        for asked in self.requests.extract_if(.., |asked| which(asked)) {
            if let ReplyTo::Caller(reply_to) = asked.reply_to {
                // The caller dropped its future and does not want the result.
                let _ = reply_to.send(Err(RequestError::Interrupted));
            }
        }
    }
}

#[cfg(test)]
mod tests;
