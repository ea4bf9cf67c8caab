//! The socket with the one output buffer in front of it.
//!
//! tungstenite reads through a [`Gate`] and writes its own frames (answers to pings and closes) into the same buffer as
//! the session's, so that frames of both leave whole and in order, several in one write.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::FragmentMeter;

/// Beyond so much unwritten output, answers to the peer's pings wait: it does not read them.
const CONTROL_BACKLOG: usize = 64 * 1024;

/// A socket and what waits to be written to it.
pub(super) struct Gate<S> {
    io: S,
    out: Vec<u8>,
    /// How much of `out` is written.
    written: usize,
    meter: FragmentMeter,
    is_flooded: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Gate<S> {
    /// A gate before `io`, of whose input `already_read` was taken by somebody else.
    pub(super) fn new(io: S, already_read: &[u8], max_fragments: u32) -> Self {
        let mut meter = FragmentMeter::new(max_fragments);
        let is_flooded = meter.pass(already_read).is_err();
        Self { io, out: Vec::new(), written: 0, meter, is_flooded }
    }

    /// The output buffer, for whole frames to be appended.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes that wait to be written.
    pub(super) fn unwritten(&self) -> usize {
        self.out.len() - self.written
    }

    /// Whether the peer's message had more fragments than allowed; reading fails then.
    pub(super) const fn is_flooded(&self) -> bool {
        self.is_flooded
    }

    /// Writes all that waits. The buffer is given back when it is empty, so that an idle connection has none.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            let n = ready!(Pin::new(&mut self.io).poll_write(cx, &self.out[self.written..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
        }
        self.out = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// The socket itself, once nothing more goes through the gate.
    pub(super) fn io(&mut self) -> &mut S {
        &mut self.io
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_flooded {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.is_flooded = self.meter.pass(&buf.filled()[before..]).is_err();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.out.len() - self.written > CONTROL_BACKLOG {
            // Nobody needs waking: the connection's task tries again whenever it has drained.
            return Poll::Pending;
        }
        self.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    /// The connection's task drains; tungstenite need not wait for it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
