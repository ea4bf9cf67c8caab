//! A socket with an output buffer.
//!
//! tungstenite reads through a [`BufferedSocket`] and writes its own frames (pongs and closes) into the same buffer as
//! the session's. So frames of both are written whole, in order, and several per write. Traffic is counted per read and
//! write of the socket, not per frame.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{self, Excess, ExcessFrame, InputMeter};
use super::settings::Settings;
use crate::hub::MessageShare;
use crate::telemetry::Metrics;

/// The read buffer of each connection. Most messages fit, and idle connections hold it too.
pub(super) const READ_BUFFER_BYTES: usize = 1024;
/// Above this amount of unwritten output, pongs are held back: the peer does not read.
const CONTROL_BACKLOG: usize = 64 * 1024;
/// Maximum input that is held while a `start` or `resume` is decided.
const READ_AHEAD_BYTES: usize = 16 * 1024;
/// Input that is read ahead at a time.
const READ_CHUNK_BYTES: usize = 1024;

/// A socket with its output buffer.
pub(super) struct BufferedSocket<S> {
    io: S,
    out: Vec<u8>,
    /// Number of bytes of `out` already written.
    written: usize,
    /// Frames in `out` that are not counted yet.
    frames: u32,
    meter: InputMeter,
    /// The bound that the peer exceeded: reading fails.
    excess: Option<Excess>,
    incomplete: IncompleteMessage,
    /// Input that was read before it was asked for.
    ahead: Option<Box<ReadAhead>>,
    metrics: Arc<Metrics>,
}

/// The message that is being received.
struct IncompleteMessage {
    share: MessageShare,
    /// tungstenite rejects a longer message before it allocates.
    max_bytes: u64,
}

impl IncompleteMessage {
    /// Reserves memory for a message of `bytes`. One that fits into the read buffer of its connection needs none.
    fn reserve(&mut self, bytes: u64) -> bool {
        let is_held = bytes > READ_BUFFER_BYTES as u64 && bytes <= self.max_bytes;
        // It is at most `max_bytes`.
        self.share.reserve(if is_held { usize::try_from(bytes).unwrap_or(usize::MAX) } else { 0 })
    }
}

/// Input in front of the socket.
#[derive(Default)]
struct ReadAhead {
    bytes: Vec<u8>,
    /// Number of bytes already taken.
    taken: usize,
    /// The socket ended or failed after them.
    is_ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BufferedSocket<S> {
    /// Wraps `io`, of which `already_read` has been read. What must not be processed is cut off.
    pub(super) fn new(
        io: S,
        already_read: &mut Vec<u8>,
        settings: Settings,
        share: MessageShare,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (meter, out) = (InputMeter::new(settings.fragments_per_message), Vec::new());
        let (excess, ahead) = (None, None);
        let incomplete =
            IncompleteMessage { share, max_bytes: settings.max_message_bytes() as u64 };
        let (written, frames) = (0, 0);
        let mut socket =
            Self { io, out, written, frames, meter, excess, incomplete, ahead, metrics };
        let accepted = socket.record_input(already_read);
        already_read.truncate(accepted);
        socket
    }

    /// Appends the text frame of a message to the buffer.
    pub(super) fn push_text(&mut self, seq: Option<u64>, body: &[u8]) {
        frame::push_text(&mut self.out, seq, body);
        self.frames += 1;
    }

    /// Appends a close frame to the buffer.
    pub(super) fn push_close(&mut self, code: u16, reason: &str) {
        frame::push_close(&mut self.out, code, reason);
        self.frames += 1;
    }

    /// Number of buffered bytes.
    pub(super) fn unwritten(&self) -> usize {
        self.out.len() - self.written
    }

    /// The bound that a frame of the peer exceeded; reading then fails.
    pub(super) const fn excess(&self) -> Option<Excess> {
        self.excess
    }

    /// Writes the buffer, and frees it when it is empty, so that an idle connection holds none.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            let n = ready!(Pin::new(&mut self.io).poll_write(cx, &self.out[self.written..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
            self.metrics.sent_bytes.inc_by(n as u64);
            self.metrics.sent_frames.inc_by(std::mem::take(&mut self.frames).into());
        }
        self.out = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Resolves when the peer has ended the connection, by a close frame or the end of the stream. Input before that is
    /// held for later reads, up to [`READ_AHEAD_BYTES`]; beyond it the end is not noticed here.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.has_ended() {
            let held = self.ahead.as_ref().map_or(0, |ahead| ahead.bytes.len());
            let mut chunk = [0; READ_CHUNK_BYTES];
            let room = READ_AHEAD_BYTES.saturating_sub(held).min(chunk.len());
            if room == 0 || self.excess.is_some() {
                return Poll::Pending;
            }
            let mut buf = ReadBuf::new(&mut chunk[..room]);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf));
            let input = buf.filled();
            let accepted = self.record_input(input);
            let ahead = self.ahead.get_or_insert_default();
            ahead.bytes.extend_from_slice(&input[..accepted]);
            ahead.is_ended = read.is_err() || input.is_empty();
        }
        Poll::Ready(())
    }

    /// Whether a message has begun and is not complete, as far as the peer's input was read.
    pub(super) const fn is_amid_message(&self) -> bool {
        self.meter.message_bytes() > 0
    }

    /// Whether the peer has sent a close frame, or the head of one.
    pub(super) const fn has_close(&self) -> bool {
        self.meter.has_close()
    }

    /// Whether the peer has ended the connection, as far as its input was read.
    pub(super) fn has_ended(&self) -> bool {
        self.has_close() || self.ahead.as_ref().is_some_and(|ahead| ahead.is_ended)
    }

    /// Counts input. Returns how many of the bytes may be processed: a message that is rejected has no effect, although
    /// all of it may have arrived at once.
    fn record_input(&mut self, bytes: &[u8]) -> usize {
        let accepted = match self.meter.pass(bytes, |total| self.incomplete.reserve(total)) {
            Ok(()) => bytes.len(),
            Err(ExcessFrame { accepted, excess }) => {
                self.excess = Some(excess);
                accepted
            }
        };
        if self.meter.message_bytes() == 0 {
            self.incomplete.reserve(0);
        }
        self.metrics.received_bytes.inc_by(bytes.len() as u64);
        self.metrics.received_frames.inc_by(self.meter.take_frames().into());
        accepted
    }

    /// The inner socket, for use after the last buffered write.
    pub(super) fn io(&mut self) -> &mut S {
        &mut self.io
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for BufferedSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(ahead) = &mut self.ahead {
            let rest = &ahead.bytes[ahead.taken..];
            let n = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..n]);
            ahead.taken += n;
            if n > 0 || (ahead.is_ended && self.excess.is_none()) {
                return Poll::Ready(Ok(()));
            }
            self.ahead = None;
        }
        if self.excess.is_some() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let accepted = self.record_input(&buf.filled()[before..]);
        if self.excess.is_some() && accepted == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        buf.set_filled(before + accepted);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BufferedSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.out.len() - self.written > CONTROL_BACKLOG {
            // No waker is needed: the connection's task retries after each drain.
            return Poll::Pending;
        }
        self.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    /// The connection's task drains the buffer, so tungstenite need not wait.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
