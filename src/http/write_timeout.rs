//! A socket whose peer must take what is written to it.
//!
//! hyper reads no request while an answer waits to be written, so its header timeout does not run then. Invariant: a
//! peer that takes neither all that waits nor [`MIN_PROGRESS_BYTES`] of it within the limit loses the connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// So much progress restarts the limit, so that a long answer over a slow link arrives.
const MIN_PROGRESS_BYTES: usize = 64 * 1024;

/// A socket that fails when its peer does not read.
pub(super) struct WriteTimeout<S> {
    io: S,
    limit: Duration,
    /// Runs while something waits to be written.
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes written since the timer started.
    progress: usize,
}

impl<S> WriteTimeout<S> {
    pub(super) const fn new(io: S, limit: Duration) -> Self {
        Self { io, limit, timer: None, progress: 0 }
    }

    pub(super) fn into_inner(self) -> S {
        self.io
    }

    fn note_written(&mut self, bytes: usize) {
        self.progress = self.progress.saturating_add(bytes);
        if self.progress >= MIN_PROGRESS_BYTES {
            self.note_flushed();
        }
    }

    fn note_flushed(&mut self) {
        self.timer = None;
        self.progress = 0;
    }

    /// Waits for the peer, at most until the limit.
    fn poll_blocked<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| {
            self.progress = 0;
            Box::pin(tokio::time::sleep(limit))
        });
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(cx, bytes) {
            Poll::Pending => self.poll_blocked(cx),
            Poll::Ready(written) => Poll::Ready(written.inspect(|n| self.note_written(*n))),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write_vectored(cx, bytes) {
            Poll::Pending => self.poll_blocked(cx),
            Poll::Ready(written) => Poll::Ready(written.inspect(|n| self.note_written(*n))),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper flushes once it has written all that waits.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => self.poll_blocked(cx),
            Poll::Ready(flushed) => {
                self.note_flushed();
                Poll::Ready(flushed)
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_shutdown(cx) {
            Poll::Pending => self.poll_blocked(cx),
            Poll::Ready(closed) => Poll::Ready(closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn peer_that_reads_nothing_loses_the_connection() {
        let (_peer, io) = duplex(16);
        let error = WriteTimeout::new(io, LIMIT).write_all(&[0; 17]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn peer_that_reads_a_little_loses_the_connection_too() {
        let (mut peer, io) = duplex(16);
        let writing = async { WriteTimeout::new(io, LIMIT).write_all(&[0; 10_000]).await };
        let reading = async {
            loop {
                tokio::time::sleep(LIMIT / 10).await;
                if peer.read(&mut [0; 4]).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        };
        let (written, ()) = tokio::join!(writing, reading);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn long_answer_over_a_slow_link_arrives() {
        let (mut peer, io) = duplex(MIN_PROGRESS_BYTES);
        let writing = async {
            let mut io = WriteTimeout::new(io, LIMIT);
            io.write_all(&vec![0; 10 * MIN_PROGRESS_BYTES]).await?;
            io.flush().await
        };
        let reading = async {
            let mut rest = 10 * MIN_PROGRESS_BYTES;
            let mut bytes = vec![0; MIN_PROGRESS_BYTES];
            while rest > 0 {
                tokio::time::sleep(LIMIT / 2).await;
                rest -= peer.read(&mut bytes).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(writing, reading);
        assert!(written.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn peer_may_be_idle_between_answers() {
        let (mut peer, io) = duplex(16);
        let mut io = WriteTimeout::new(io, LIMIT);
        for _ in 0..3 {
            io.write_all(&[0; 16]).await.unwrap();
            io.flush().await.unwrap();
            tokio::time::sleep(LIMIT * 2).await;
            peer.read_exact(&mut [0; 16]).await.unwrap();
        }
    }
}
