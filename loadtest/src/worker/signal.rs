//! Signals that carry the time they were sent, so that its receiver knows how long it took.
//!
//! The time is the first thing in a signal's data, which is the last thing in its push: both are found from the end,
//! and nothing is parsed on the way.

use serde_json::json;

use super::frame::{TEXT, client_frame};

/// Several signals to a room, made once and sent as one write, again and again.
pub(super) struct Burst {
    bytes: Vec<u8>,
    stamps: Vec<usize>,
}

impl Burst {
    /// `count` signals to `room`.
    pub(super) fn new(room: &str, count: u32) -> Self {
        let data = "x".repeat(DATA_CHARS);
        let (mut bytes, mut stamps) = (Vec::new(), Vec::new());
        for place in 0..count {
            let signal = json!({ "room": room, "type": TYPE, "data": data });
            let request = json!({ "id": FIRST_SIGNAL_ID + place, "signal": signal });
            let frame = client_frame(TEXT, request.to_string().as_bytes());
            stamps.extend(data_at(&frame).map(|at| bytes.len() + at));
            bytes.extend(frame);
        }
        Self { bytes, stamps }
    }

    /// The same, sent at `sent_us`.
    pub(super) fn stamped(&mut self, sent_us: u64) -> &[u8] {
        let stamp = format!("{sent_us:0STAMP_CHARS$}");
        for at in &self.stamps {
            self.bytes[*at..*at + STAMP_CHARS].copy_from_slice(stamp.as_bytes());
        }
        &self.bytes
    }
}

/// What a receiver looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Its place among the room's signals.
    pub(super) order: u64,
    /// When it was sent, by the clock that all workers share.
    pub(super) sent_us: u64,
}

/// Reads the push of one of our signals.
pub(super) fn heard(push: &[u8]) -> Option<Heard> {
    let (before, data) = push.split_at_checked(push.len().checked_sub(DATA_CHARS + END.len())?)?;
    let before = before.strip_suffix(BEFORE_DATA)?;
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let order = number(&before[before.len() - digits..])?;
    Some(Heard { order, sent_us: number(&data[..STAMP_CHARS])? })
}

/// Gives the push at the end of `frame` the time that `request` was sent at.
pub(crate) fn restamp(frame: &mut [u8], request: &[u8]) {
    let stamp = data_at(request).and_then(|at| request.get(at..at + STAMP_CHARS));
    let place = frame.len().checked_sub(DATA_CHARS + END.len());
    if let (Some(stamp), Some(place)) = (stamp, place) {
        frame[place..place + STAMP_CHARS].copy_from_slice(stamp);
    }
}

/// Where the data of a request begins.
fn data_at(request: &[u8]) -> Option<usize> {
    let at = request.windows(DATA.len()).position(|window| window == DATA)?;
    Some(at + DATA.len())
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

const TYPE: &str = "load";
const DATA: &[u8] = br#""data":""#;
const BEFORE_DATA: &[u8] = br#","type":"load","data":""#;
const END: &[u8] = br#""}}"#;
/// What a signal carries is 200 bytes of JSON: these and two quotes.
const DATA_CHARS: usize = 198;
/// Microseconds since 1970, until the year 2286.
const STAMP_CHARS: usize = 16;
/// Apart from the numbers of the other requests.
const FIRST_SIGNAL_ID: u32 = 100;

#[cfg(test)]
mod tests {
    use stagedoor_proto::frame_text;
    use stagedoor_proto::{ClientMessage, Command, Push, Signal, decode_client, encode_push};

    use super::super::frame::parse;
    use super::*;

    /// The push that a gateway makes of a request.
    fn pushed(request: &[u8], order: u64) -> Vec<u8> {
        let message = decode_client(std::str::from_utf8(request).unwrap()).unwrap();
        let ClientMessage::Request(request) = message else { panic!("{message:?}") };
        let Command::Signal(signal) = request.command else { panic!("{request:?}") };
        let push = Push::Signal(Signal {
            room: signal.room,
            from: None,
            order,
            type_: signal.type_,
            data: signal.data,
        });
        let mut text = Vec::new();
        frame_text(Some(7), &encode_push(&push), &mut text);
        text
    }

    #[test]
    fn signal_carries_its_index_and_send_time() {
        let mut burst = Burst::new("r", 2);
        let bytes = burst.stamped(1_700_000_000_000_123).to_vec();
        let first = parse(&bytes).unwrap().unwrap();
        for order in [1, 1_234_567] {
            let mut push = pushed(&bytes[first.payload.clone()], order);
            let expected = Heard { order, sent_us: 1_700_000_000_000_123 };
            assert_eq!(heard(&push), Some(expected));
            restamp(&mut push, Burst::new("r", 1).stamped(42));
            assert_eq!(heard(&push), Some(Heard { order, sent_us: 42 }));
        }
        let second = parse(&bytes[first.payload.end..]).unwrap().unwrap();
        assert_eq!(first.payload.len(), second.payload.len());
    }

    #[test]
    fn what_others_signal_is_not_taken_for_ours() {
        for text in ["", r#"{"seq":1,"signal":{"order":1,"type":"chat","data":{}}}"#] {
            assert_eq!(heard(text.as_bytes()), None, "{text}");
        }
    }
}
