//! Encodes the gateway's WebSocket frames and counts the peer's. Source: RFC 6455, 5.2.

use stagedoor_proto::{MAX_CLOSE_REASON_BYTES, frame_text};

/// FIN and text opcode, unmasked.
const FINAL_TEXT: u8 = 0x81;
/// FIN and close opcode.
const FINAL_CLOSE: u8 = 0x88;
/// Longest payload in the short form, and the length markers of the longer forms.
const SHORT: usize = 125;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// Appends the text frame of a message: its head, with `seq` if there is one, and the shared body.
pub(super) fn push_text(out: &mut Vec<u8>, seq: Option<u64>, body: &[u8]) {
    // The header contains the length of head and body, which depends on the digits of `seq`.
    let start = out.len();
    let mut header = [0; 10];
    let head_len = 1 + seq.map_or(0, |seq| r#""seq":,"#.len() + digits(seq));
    let header_len = text_header(&mut header, head_len + body.len());
    // Once: an idle connection has no buffer, so most frames are the first of theirs.
    out.reserve(header_len + head_len + body.len());
    out.extend_from_slice(&header[..header_len]);
    frame_text(seq, body, out);
    debug_assert_eq!(
        out.len(),
        start + header_len + head_len + body.len(),
        "the header's length is correct"
    );
}

/// Appends a close frame. A reason that is too long is cut at a character boundary.
pub(super) fn push_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let mut end = reason.len().min(MAX_CLOSE_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let payload = u8::try_from(2 + end).expect("a close frame is at most 125 bytes");
    out.extend_from_slice(&[FINAL_CLOSE, payload]);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&reason.as_bytes()[..end]);
}

fn text_header(header: &mut [u8; 10], payload: usize) -> usize {
    header[0] = FINAL_TEXT;
    if let (Ok(short), true) = (u8::try_from(payload), payload <= SHORT) {
        header[1] = short;
        2
    } else if let Ok(medium) = u16::try_from(payload) {
        header[1] = LENGTH_16;
        header[2..4].copy_from_slice(&medium.to_be_bytes());
        4
    } else {
        header[1] = LENGTH_64;
        header[2..].copy_from_slice(&(payload as u64).to_be_bytes());
        10
    }
}

const fn digits(n: u64) -> usize {
    match n.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// Measures the peer's messages as their bytes pass: fragments, and bytes until the message is complete.
///
/// tungstenite limits the size of a message but not its number of fragments, and empty fragments are free. For a frame
/// it allocates the length that the header states.
#[derive(Debug)]
pub(super) struct InputMeter {
    max: u32,
    fragments: u32,
    /// Stated bytes of the message that is not complete; 0 between messages.
    message: u64,
    /// The current frame ends the message.
    is_final: bool,
    /// Frames started since the last [`Self::take_frames`].
    frames: u32,
    /// The incomplete header of the current frame.
    header: [u8; 14],
    header_len: u8,
    /// Payload bytes of the current frame that are still to come.
    payload: u64,
    /// A close frame has begun.
    has_close: bool,
}

/// Which bound a frame exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// The message has more fragments than allowed.
    Fragments,
    /// The messages that the node is receiving, or those of one address, have more bytes than allowed.
    Memory,
}

/// A frame exceeds a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExcessFrame {
    /// Number of bytes before the frame.
    pub(super) accepted: usize,
    pub(super) excess: Excess,
}

impl InputMeter {
    pub(super) const fn new(max: u32) -> Self {
        let (header, header_len, payload) = ([0; 14], 0, 0);
        let (message, is_final) = (0, false);
        Self {
            max,
            fragments: 0,
            message,
            is_final,
            frames: 0,
            header,
            header_len,
            payload,
            has_close: false,
        }
    }

    /// Stated bytes of the message that is not complete.
    pub(super) const fn message_bytes(&self) -> u64 {
        self.message
    }

    /// Whether the peer has sent a close frame, or the head of one.
    pub(super) const fn has_close(&self) -> bool {
        self.has_close
    }

    /// Returns the number of frames started since the last call.
    pub(super) const fn take_frames(&mut self) -> u32 {
        std::mem::replace(&mut self.frames, 0)
    }

    /// Processes bytes from the peer. `reserve` says whether an incomplete message may have so many bytes.
    pub(super) fn pass(
        &mut self,
        bytes: &[u8],
        mut reserve: impl FnMut(u64) -> bool,
    ) -> Result<(), ExcessFrame> {
        let (mut at, mut frame_start) = (0, 0);
        while at < bytes.len() {
            if self.payload > 0 {
                let rest = bytes.len() - at;
                let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(rest);
                self.payload -= skipped as u64;
                at += skipped;
                self.end_message();
                continue;
            }
            if self.header_len == 0 {
                frame_start = at;
            }
            self.header[usize::from(self.header_len)] = bytes[at];
            self.header_len += 1;
            at += 1;
            if usize::from(self.header_len) < self.header_size() {
                continue;
            }
            self.end_header();
            let excess = if self.fragments > self.max {
                Some(Excess::Fragments)
            } else {
                let ends_here = self.is_final && self.payload <= (bytes.len() - at) as u64;
                (!ends_here && !reserve(self.message)).then_some(Excess::Memory)
            };
            if let Some(excess) = excess {
                return Err(ExcessFrame { accepted: frame_start, excess });
            }
            self.end_message();
        }
        Ok(())
    }

    /// Forgets the message if it is complete.
    const fn end_message(&mut self) {
        if self.payload == 0 && self.is_final {
            self.message = 0;
        }
    }

    fn header_size(&self) -> usize {
        if self.header_len < 2 {
            return 2;
        }
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        let length = match self.header[1] & 0x7f {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        };
        2 + length + mask
    }

    fn end_header(&mut self) {
        let h = &self.header;
        self.payload = match h[1] & 0x7f {
            LENGTH_16 => u64::from(u16::from_be_bytes([h[2], h[3]])),
            LENGTH_64 => u64::from_be_bytes([h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9]]),
            short => u64::from(short),
        };
        self.header_len = 0;
        self.frames = self.frames.wrapping_add(1);
        let is_last = h[0] & 0x80 != 0;
        match h[0] & 0x0f {
            0 => {
                self.fragments += 1;
                self.message = self.message.saturating_add(self.payload);
                self.is_final = is_last;
            }
            1 | 2 => {
                self.fragments = 1;
                self.message = self.payload;
                self.is_final = is_last;
            }
            8 => self.has_close = true,
            // Control frames may be interleaved with fragments. They are short, and end no message.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_headers_carry_the_true_length() {
        for (seq, len, header) in [
            (None, 10, 2),
            (Some(0), 100, 2),
            (Some(9), 116, 2),
            (Some(10), 117, 4),
            (Some(u64::MAX), 70_000, 10),
        ] {
            let body = vec![b'x'; len];
            let mut out = Vec::new();
            push_text(&mut out, seq, &body);
            let mut text = Vec::new();
            frame_text(seq, &body, &mut text);
            assert_eq!(out[header..], text, "{seq:?} {len}");
            let length = match out[1] {
                126 => u64::from(u16::from_be_bytes([out[2], out[3]])),
                127 => u64::from_be_bytes(out[2..10].try_into().unwrap()),
                short => u64::from(short),
            };
            assert_eq!(length, text.len() as u64, "{seq:?} {len}");
        }
    }

    #[test]
    fn close_reason_is_cut_at_a_character_boundary() {
        let mut out = Vec::new();
        push_close(&mut out, 4011, &"é".repeat(100));
        assert_eq!(out[1], 2 + 122);
        assert!(std::str::from_utf8(&out[4..]).is_ok());
    }

    #[test]
    fn fragments_are_counted_however_the_bytes_arrive() {
        let masked = |first: u8, payload: &[u8]| {
            let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 1, 2, 3, 4];
            frame.extend_from_slice(payload);
            frame
        };
        let mut bytes = masked(0x81, b"whole");
        bytes.extend(masked(0x01, b"one"));
        bytes.extend(masked(0x89, b"ping"));
        bytes.extend(masked(0x00, b""));
        bytes.extend(masked(0x80, b"three"));
        for chunk in 1..bytes.len() {
            let pass = |max| {
                let mut meter = InputMeter::new(max);
                let passed = bytes.chunks(chunk).try_for_each(|chunk| meter.pass(chunk, |_| true));
                passed.map(|()| meter.take_frames())
            };
            assert_eq!(pass(3), Ok(5), "in chunks of {chunk}");
            assert!(pass(2).is_err(), "in chunks of {chunk}");
        }
        let third = bytes.len() - masked(0x80, b"three").len();
        let excess = Excess::Fragments;
        let too_many = InputMeter::new(2).pass(&bytes, |_| true);
        assert_eq!(too_many, Err(ExcessFrame { accepted: third, excess }), "all before it is read");
        let mut meter = InputMeter::new(2);
        assert_eq!(meter.pass(&bytes[..=third], |_| true), Ok(()));
        let rest = meter.pass(&bytes[third + 1..], |_| true);
        assert_eq!(rest, Err(ExcessFrame { accepted: 0, excess }));
    }

    #[test]
    fn bytes_of_a_message_are_reserved_before_they_arrive() {
        let header = |first: u8, len: u16| {
            let [high, low] = len.to_be_bytes();
            [first, 0xfe, high, low, 1, 2, 3, 4]
        };
        let mut meter = InputMeter::new(8);
        let mut pass = |bytes: &[u8], max: u64| {
            let mut asked = None;
            let passed = meter.pass(bytes, |total| {
                asked = Some(total);
                total <= max
            });
            (passed.map_err(|rejected| rejected.accepted), asked, meter.message_bytes())
        };
        assert_eq!(pass(&header(0x01, 300), 1_000), (Ok(()), Some(300), 300));
        assert_eq!(pass(&[0; 300], 1_000), (Ok(()), None, 300), "the message goes on");
        assert_eq!(pass(&[0x89, 0x80, 1, 2, 3, 4], 1_000), (Ok(()), Some(300), 300), "a ping");
        assert_eq!(pass(&[&header(0, 50)[..], &[0; 50]].concat(), 1_000), (Ok(()), Some(350), 350));
        assert_eq!(pass(&header(0x80, 400), 1_000), (Ok(()), Some(750), 750));
        assert_eq!(pass(&[0; 400], 1_000), (Ok(()), None, 0));
        let whole = [&header(0x81, 200)[..], &[0; 200]].concat();
        assert_eq!(pass(&whole, 100), (Ok(()), None, 0), "it is not held");
        let two = [&whole[..], &header(0x81, 200)[..]].concat();
        assert_eq!(pass(&two, 100), (Err(whole.len()), Some(200), 200));
    }
}
