//! What a member of a room receives, told apart by the first bytes of each text: nothing is parsed on the way.

use super::frame::{Opcode, parse};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A signal.
    Signal,
    /// A mute of the room, or its end.
    Told,
    /// Receipts of a moderation verb.
    Receipts,
    /// A reply that succeeded, or did not.
    Reply,
    /// The gateway asks for a sign of life.
    Ping,
    /// WebSocket's own ping.
    SocketPing,
    /// Anything else the gateway tells.
    Other,
    /// The end.
    Close,
}

/// The bytes of a frame that is not whole yet, and the newest number.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    rest: Vec<u8>,
    last_seq: u64,
}

impl Inbox {
    /// One that begins with what was received before.
    pub(super) fn beginning_with(rest: Vec<u8>) -> Self {
        Self { rest, last_seq: 0 }
    }

    /// The highest number seen.
    pub(super) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Tells `each` of every whole frame in what was received so far and `bytes`.
    pub(super) fn take(
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
                    self.last_seq = seq.unwrap_or(self.last_seq);
                    each(kind_of(name), payload);
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

fn kind_of(name: &[u8]) -> Kind {
    let kinds: [(&[u8], Kind); 6] = [
        (br#""signal""#, Kind::Signal),
        (br#""id""#, Kind::Reply),
        (br#""mute_forced""#, Kind::Told),
        (br#""room_ended""#, Kind::Told),
        (br#""moderation""#, Kind::Receipts),
        (br#""ping""#, Kind::Ping),
    ];
    let known = kinds.iter().find(|(prefix, _)| name.starts_with(prefix));
    known.map_or(Kind::Other, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::super::frame::server_text;
    use super::*;

    #[test]
    fn frames_are_told_apart_however_they_arrive() {
        let texts = [
            (r#"{"seq":41,"signal":{}}"#, Kind::Signal),
            (r#"{"seq":42,"mute_forced":{}}"#, Kind::Told),
            (r#"{"seq":43,"room_ended":{}}"#, Kind::Told),
            (r#"{"seq":44,"moderation":{}}"#, Kind::Receipts),
            (r#"{"seq":45,"id":7,"ok":{}}"#, Kind::Reply),
            (r#"{"id":7,"seq":46,"ok":{}}"#, Kind::Reply),
            (r#"{"ping":{}}"#, Kind::Ping),
            (r#"{"seq":47,"counts":{}}"#, Kind::Other),
        ];
        let bytes: Vec<u8> =
            texts.iter().flat_map(|(text, _)| server_text(text.as_bytes())).collect();
        for step in [1, 5, bytes.len()] {
            let (mut inbox, mut kinds) = (Inbox::default(), Vec::new());
            for chunk in bytes.chunks(step) {
                inbox.take(chunk, |kind, _| kinds.push(kind)).unwrap();
            }
            assert_eq!(kinds, texts.map(|(_, kind)| kind), "{step} bytes at a time");
            assert_eq!(inbox.last_seq(), 47);
        }
    }
}
