//! The requests that wait for their reply, in the order they were asked.
//!
//! Invariant: no id twice, and no more of them on their way than the announced number. A request outlives its
//! connection: after a resume it is answered, sent again under its own number, or fails as interrupted. Dropping
//! this fails every one of them with a lost connection.

use stagedoor_proto::{ClientMessage, Command, Reply, Request, RoomId};
use tokio::sync::oneshot;

use crate::RequestError;
use crate::repeat::is_repeatable;
use crate::rooms::Subject;

/// Where a reply goes.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    /// To the caller.
    Caller(oneshot::Sender<Result<Reply, RequestError>>),
    /// The client returns to a room.
    Rejoin(RoomId),
    /// The client asked, and learns all from the reply itself.
    NoCaller,
}

/// A request without its reply.
#[derive(Debug)]
struct Asked {
    id: u32,
    text: String,
    reply_to: ReplyTo,
    subject: Subject,
    is_repeatable: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    ToSend,
    Sent,
    /// Sent on a connection that was lost, and the gateway does not work on it: answered in the replay, or never seen.
    Unsure,
}

/// The requests of one session.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Oldest first. Few: searched from the front.
    asked: Vec<Asked>,
    next_id: u32,
    most: usize,
}

impl Waiting {
    /// `first_id` is where numbering begins; `most` may be on their way at a time.
    pub(crate) fn new(first_id: u32, most: u16) -> Self {
        Self { asked: Vec::new(), next_id: first_id, most: usize::from(most.max(1)) }
    }

    /// Whether one more may be asked; the rest wait with their callers.
    pub(crate) fn has_room(&self) -> bool {
        self.asked.len() < self.most
    }

    /// Takes a request in, under a number that no other waiting one has.
    pub(crate) fn add(&mut self, command: Command, reply_to: ReplyTo) -> u32 {
        // Ends: fewer wait than there are numbers.
        while self.asked.iter().any(|asked| asked.id == self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let (subject, is_repeatable) = (Subject::of(&command), is_repeatable(&command));
        let message = ClientMessage::Request(Request { id, command });
        let text = serde_json::to_string(&message).expect("wire types have a JSON form");
        self.asked.push(Asked { id, text, reply_to, subject, is_repeatable, stage: Stage::ToSend });
        id
    }

    /// The next request to be sent, if one more may be on its way; of the returns to rooms alone where `only_rejoins`.
    pub(crate) fn next_to_send(&mut self, only_rejoins: bool) -> Option<String> {
        if self.asked.iter().filter(|asked| asked.stage != Stage::ToSend).count() >= self.most {
            return None;
        }
        let is_next = |asked: &&mut Asked| {
            let is_rejoin = matches!(asked.reply_to, ReplyTo::Rejoin(_));
            asked.stage == Stage::ToSend && (is_rejoin || !only_rejoins)
        };
        let next = self.asked.iter_mut().find(is_next)?;
        next.stage = Stage::Sent;
        Some(next.text.clone())
    }

    /// Whether the reply to `id` goes to its caller only.
    pub(crate) fn is_for_caller(&self, id: u32) -> bool {
        self.asked
            .iter()
            .any(|asked| asked.id == id && matches!(asked.reply_to, ReplyTo::Caller(_)))
    }

    /// Who waits for the reply to `id`, if anybody here does, and what the request was about.
    pub(crate) fn take(&mut self, id: u32) -> Option<(ReplyTo, Subject)> {
        let place = self.asked.iter().position(|asked| asked.id == id)?;
        let asked = self.asked.remove(place);
        Some((asked.reply_to, asked.subject))
    }

    /// The session was resumed: only the replies to `pending` are still to come after the replay.
    pub(crate) fn note_resumed(&mut self, pending: &[u32]) {
        for asked in self.asked.iter_mut().filter(|asked| asked.stage != Stage::ToSend) {
            asked.stage = if pending.contains(&asked.id) { Stage::Sent } else { Stage::Unsure };
        }
    }

    /// The replay is over: what it did not answer was never received, and is sent again.
    ///
    /// Where the replay has a hole (`may_be_done`), a reply may have been in it: what must not happen twice is given
    /// up.
    pub(crate) fn note_replayed(&mut self, may_be_done: bool) {
        self.give_up(|asked| asked.stage == Stage::Unsure && may_be_done && !asked.is_repeatable);
        for asked in self.asked.iter_mut().filter(|asked| asked.stage == Stage::Unsure) {
            asked.stage = Stage::ToSend;
        }
    }

    /// A new session took the place of the former: what can be asked of it again is, `most` at a time.
    pub(crate) fn note_restarted(&mut self, most: u16) {
        self.most = usize::from(most.max(1));
        self.asked.retain(|asked| matches!(asked.reply_to, ReplyTo::Caller(_)));
        self.give_up(|asked| asked.stage != Stage::ToSend && !asked.is_repeatable);
        for asked in &mut self.asked {
            asked.stage = Stage::ToSend;
        }
    }

    /// The session ended as asked, though the reply was lost.
    pub(crate) fn note_ended(&mut self) {
        for asked in self.asked.extract_if(.., |asked| asked.subject == Subject::End) {
            if let ReplyTo::Caller(reply_to) = asked.reply_to {
                let _ = reply_to.send(Ok(Reply::Ended {}));
            }
        }
    }

    fn give_up(&mut self, mut which: impl FnMut(&Asked) -> bool) {
        for asked in self.asked.extract_if(.., |asked| which(asked)) {
            if let ReplyTo::Caller(reply_to) = asked.reply_to {
                // Who gave up on the reply does not want to know.
                let _ = reply_to.send(Err(RequestError::Interrupted));
            }
        }
    }
}

#[cfg(test)]
mod tests;
