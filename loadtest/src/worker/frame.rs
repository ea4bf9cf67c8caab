//! As much of RFC 6455 as a load tester needs: frames written whole, and read a few at a time.
//!
//! Frames to the server are masked with zeros: the standard asks for a mask, and this one leaves the bytes as they are,
//! so a frame is made once, before anything is measured. Not here: fragments, which no gateway of ours sends.

use anyhow::ensure;

/// What a frame is for (RFC 6455, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Close,
    Ping,
    Other,
}

impl Opcode {
    const fn of(byte: u8) -> Self {
        match byte & 0x0f {
            0x1 => Self::Text,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            _ => Self::Other,
        }
    }
}

/// A frame to the server: final, masked with zeros.
pub(crate) fn client_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![FIN | opcode];
    push_length(&mut frame, payload.len(), MASKED);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A text frame to a client: final, not masked.
pub(crate) fn server_text(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![FIN | TEXT];
    push_length(&mut frame, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

fn push_length(frame: &mut Vec<u8>, length: usize, mask: u8) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => frame.push(mask | short),
        (_, Ok(medium)) => {
            frame.push(mask | MEDIUM);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(mask | LONG);
            let long = u64::try_from(length).expect("a length fits 64 bits");
            frame.extend_from_slice(&long.to_be_bytes());
        }
    }
}

/// One whole frame: what it is, and where its payload lies. It ends where the payload does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) opcode: Opcode,
    pub(crate) payload: std::ops::Range<usize>,
}

/// Finds the frame that `bytes` begin with; `None` when it is not whole yet.
pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Option<Parsed>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let masked = usize::from(second & MASKED != 0) * 4;
    let (head, length) = match second & !MASKED {
        MEDIUM => match rest.first_chunk() {
            Some(bytes) => (4, u64::from(u16::from_be_bytes(*bytes))),
            None => return Ok(None),
        },
        LONG => match rest.first_chunk() {
            Some(bytes) => (10, u64::from_be_bytes(*bytes)),
            None => return Ok(None),
        },
        short => (2, u64::from(short)),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    ensure!(length <= MAX_PAYLOAD_BYTES, "a frame of {length} bytes came, more than any expected");
    let payload = head + masked..head + masked + length;
    let whole = bytes.len() >= payload.end;
    Ok(whole.then_some(Parsed { opcode: Opcode::of(*first), payload }))
}

/// The opcode of a text frame.
pub(crate) const TEXT: u8 = 0x1;
/// The opcode of a close frame.
pub(crate) const CLOSE: u8 = 0x8;
/// The opcode of a ping.
pub(crate) const PING: u8 = 0x9;
/// The opcode of the answer to a ping.
pub(crate) const PONG: u8 = 0xa;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// In the place of a length: it follows in two bytes …
const MEDIUM: u8 = 126;
/// … or in eight.
const LONG: u8 = 127;
/// Four times what a gateway sends by default.
const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_when_it_is_whole_and_not_before() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            for frame in [client_frame(TEXT, &payload), server_text(&payload)] {
                let parsed = parse(&frame).unwrap().unwrap();
                assert_eq!((parsed.opcode, parsed.payload.end), (Opcode::Text, frame.len()));
                assert_eq!(frame[parsed.payload], payload);
                for cut in [0, 1, 3, frame.len() - 1] {
                    assert_eq!(parse(&frame[..cut.min(frame.len() - 1)]).unwrap(), None);
                }
            }
        }
    }

    #[test]
    fn a_length_no_gateway_sends_is_refused_before_it_is_read() {
        assert!(parse(&[0x81, 127, 0, 0, 0, 0, 0x10, 0, 0, 0]).is_err());
        assert!(parse(&[0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
