//! What a member of a room receives, told apart by the first bytes of each text: nothing is parsed on the way.

use super::frame::{Opcode, parse};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A signal.
    Signal,
    /// A mute of the room, or its end.
    Notified,
    /// Receipts of a moderation command.
    Receipts,
    /// A reply that succeeded, or did not.
    Reply,
    /// The gateway asks for a sign of life.
    Ping,
    /// WebSocket's own ping.
    SocketPing,
    /// The gateway says why it will close.
    Disconnect,
    /// A `room_reset`.
    Reset,
    /// Another left.
    Left,
    /// One was removed oneself.
    Removed,
    /// Any other push.
    Other,
    /// The end.
    Close,
}

/// The bytes of a frame that is not whole yet, and the newest number.
///
/// Numbers go on over all connections of a session, which is how a frame that was lost or came twice is noticed.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    rest: Vec<u8>,
    last_seq: u64,
    missed: u64,
    repeated: u64,
}

impl Inbox {
    /// One that begins with what was received before, and after the number `last_seq`.
    pub(crate) fn beginning_with(rest: Vec<u8>, last_seq: u64) -> Self {
        Self { rest, last_seq, ..Self::default() }
    }

    /// How many numbers never came, and how many came again, since last asked.
    pub(super) fn take_gaps(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.missed), std::mem::take(&mut self.repeated))
    }

    fn number(&mut self, seq: u64, kind: Kind) {
        if seq <= self.last_seq {
            self.repeated += 1;
            return;
        }
        // A room reset stands for the frames that were discarded.
        if kind != Kind::Reset {
            self.missed += seq - self.last_seq - 1;
        }
        self.last_seq = seq;
    }

    /// The highest number seen.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Calls `each` with every whole frame in what was received so far and `bytes`.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Kind, &[u8]),
    ) -> anyhow::Result<()> {
        let joined;
        let mut bytes = if self.rest.is_empty() {
            bytes
        } else {
            self.rest.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.rest);
            &joined
        };
        while let Some(frame) = parse(bytes)? {
            let payload = &bytes[frame.payload.clone()];
            match frame.opcode {
                Opcode::Text => {
                    let (seq, name) = head(payload);
                    let kind = kind_of(name);
                    if let Some(seq) = seq {
                        self.number(seq, kind);
                    }
                    each(kind, payload);
                }
                Opcode::Ping => each(Kind::SocketPing, payload),
                Opcode::Close => each(Kind::Close, payload),
                Opcode::Other => {}
            }
            bytes = &bytes[frame.payload.end..];
        }
        if !bytes.is_empty() {
            self.rest = bytes.to_vec();
        }
        Ok(())
    }
}

/// The number that a text begins with, and what stands behind it.
fn head(text: &[u8]) -> (Option<u64>, &[u8]) {
    let Some(digits) = text.strip_prefix(br#"{"seq":"#) else {
        return (None, text.get(1..).unwrap_or_default());
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let seq = digits[..end]
        .iter()
        .fold(0, |seq: u64, digit| seq.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    (Some(seq), digits.get(end + 1..).unwrap_or_default())
}

/// The number that a text begins with.
pub(super) fn seq_of(text: &[u8]) -> Option<u64> {
    head(text).0
}

/// Which request a reply answers.
pub(crate) fn id_of(reply: &[u8]) -> Option<u32> {
    let at = reply.windows(ID.len()).take(MAX_HEAD_BYTES).position(|window| window == ID)?;
    let digits = &reply[at + ID.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

const ID: &[u8] = br#""id":"#;
/// The number of a frame comes before that of a request, or behind it.
const MAX_HEAD_BYTES: usize = 32;

fn kind_of(name: &[u8]) -> Kind {
    let kinds: [(&[u8], Kind); 10] = [
        (br#""signal""#, Kind::Signal),
        (br#""id""#, Kind::Reply),
        (br#""mute_forced""#, Kind::Notified),
        (br#""room_ended""#, Kind::Notified),
        (br#""moderation""#, Kind::Receipts),
        (br#""ping""#, Kind::Ping),
        (br#""participant_left""#, Kind::Left),
        (br#""room_reset""#, Kind::Reset),
        (br#""removed""#, Kind::Removed),
        (br#""disconnect""#, Kind::Disconnect),
    ];
    let known = kinds.iter().find(|(prefix, _)| name.starts_with(prefix));
    known.map_or(Kind::Other, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::super::frame::server_text;
    use super::*;

    #[test]
    fn frames_are_split_at_any_read_boundary() {
        let texts = [
            (r#"{"seq":41,"signal":{}}"#, Kind::Signal),
            (r#"{"seq":42,"mute_forced":{}}"#, Kind::Notified),
            (r#"{"seq":43,"room_ended":{}}"#, Kind::Notified),
            (r#"{"seq":44,"moderation":{}}"#, Kind::Receipts),
            (r#"{"seq":45,"id":7,"ok":{}}"#, Kind::Reply),
            (r#"{"id":7,"ok":{}}"#, Kind::Reply),
            (r#"{"seq":46,"id":8,"error":{}}"#, Kind::Reply),
            (r#"{"ping":{}}"#, Kind::Ping),
            (r#"{"seq":47,"counts":{}}"#, Kind::Other),
            (r#"{"seq":49,"participant_left":{}}"#, Kind::Left),
            (r#"{"seq":60,"room_reset":{}}"#, Kind::Reset),
            (r#"{"seq":60,"removed":{}}"#, Kind::Removed),
            (r#"{"disconnect":{}}"#, Kind::Disconnect),
        ];
        let bytes: Vec<u8> =
            texts.iter().flat_map(|(text, _)| server_text(text.as_bytes())).collect();
        for step in [1, 5, bytes.len()] {
            let (mut inbox, mut kinds) = (Inbox::beginning_with(Vec::new(), 40), Vec::new());
            for chunk in bytes.chunks(step) {
                inbox.take(chunk, |kind, _| kinds.push(kind)).unwrap();
            }
            assert_eq!(kinds, texts.map(|(_, kind)| kind), "{step} bytes at a time");
            assert_eq!((inbox.last_seq(), inbox.take_gaps()), (60, (1, 1)));
        }
    }

    #[test]
    fn a_reply_names_its_request_wherever_its_own_number_stands() {
        for (text, id) in [
            (r#"{"seq":45,"id":7,"ok":{}}"#, Some(7)),
            (r#"{"id":4294967295,"seq":46,"ok":{}}"#, Some(u32::MAX)),
            (r#"{"seq":46,"ok":{}}"#, None),
        ] {
            assert_eq!(id_of(text.as_bytes()), id, "{text}");
        }
    }
}
