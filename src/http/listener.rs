//! The accept loop, and a connection's HTTP life up to its upgrade.
//!
//! One task a connection: it speaks HTTP first, behind TLS or not, and, once an upgrade is answered, goes on as the
//! WebSocket's task. Invariant: whoever connects to the port of clients has a place among those without a session, or gets
//! one answer and is closed; so connections that idle are bounded as those are that wait to start. Those to the server
//! API's own port have places by themselves.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::future::{BoxFuture, Either};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::WaitForCancellationFuture;
use tower_service::Service as _;
use tracing::Instrument as _;

use super::problem::{Problem, ProblemKind};
use super::role::PortRole;
use super::router::router;
use super::state::HttpState;
use super::upgrade::{self, PendingUpgrade};
use super::{health, request_id};
use crate::hub::{ConnectionLimitExceeded, ConnectionPermit};
use crate::lifecycle::Lifecycle;
use crate::sync::{Mutex, Rank};
use crate::telemetry::Limit;
use crate::transport;

/// How many connections the system may hold for us to accept.
const BACKLOG: i32 = 4_096;
/// How long accepting pauses when the system refuses it: no file descriptors are left, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The buffer of a connection while it speaks HTTP: bounds its request line and headers.
const HTTP_BUFFER_BYTES: usize = 16 * 1024;

/// A bound port.
pub struct Listener {
    tcp: TcpListener,
    role: PortRole,
}

impl Listener {
    /// Binds `address`; port 0 asks for any free one.
    ///
    /// # Errors
    /// The system's, when the address is taken or not ours.
    pub fn bind(address: SocketAddr, role: PortRole) -> io::Result<Self> {
        let domain = socket2::Domain::for_address(address);
        let socket =
            socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { tcp: TcpListener::from_std(socket.into())?, role })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Accepts until the gateway drains; on the server API's own port until it stops, so that a drain can be watched.
    pub async fn run(self, state: Arc<HttpState>, lifecycle: Lifecycle) {
        let router = router(&state, self.role);
        loop {
            let accepted = tokio::select! {
                biased;
                () = is_over(self.role, &lifecycle) => return,
                accepted = self.tcp.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = serve(
                        stream,
                        peer,
                        self.role,
                        Arc::clone(&state),
                        router.clone(),
                        lifecycle.clone(),
                    );
                    lifecycle.spawn(connection);
                }
                Err(error) => {
                    state.hub().metrics().accept_failures.inc();
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Resolves when a port of this role takes nothing new. Cancel-safe.
fn is_over(role: PortRole, lifecycle: &Lifecycle) -> WaitForCancellationFuture<'_> {
    match role {
        PortRole::Clients | PortRole::Both => lifecycle.draining(),
        PortRole::Admin => lifecycle.stopping(),
    }
}

/// A connection until its upgrade.
struct HttpConnection {
    /// Who connected: the client, or a proxy.
    peer: IpAddr,
    state: Arc<HttpState>,
    role: PortRole,
    router: Router,
    lifecycle: Lifecycle,
    /// Its place among those without a session, or why there is none. `None` where it takes one with its upgrade, if at
    /// all: a proxy's connection, which is any client's.
    place: Mutex<Option<Result<ConnectionPermit, ConnectionLimitExceeded>>>,
}

/// What is left of the HTTP of a connection whose upgrade was answered.
struct Upgraded<S> {
    io: S,
    already_read: Vec<u8>,
    upgrade: PendingUpgrade,
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    role: PortRole,
    state: Arc<HttpState>,
    router: Router,
    lifecycle: Lifecycle,
) {
    if stream.set_nodelay(true).is_err() {
        return; // The peer is gone already.
    }
    let (settings, peer) = (state.settings(), peer.ip());
    let place = match role {
        PortRole::Admin => Some(state.hub().connections.acquire_admin(peer)),
        PortRole::Clients | PortRole::Both if settings.listen().trusts(peer) => None,
        PortRole::Clients | PortRole::Both => Some(state.hub().connections.acquire(peer)),
    };
    let tls = settings.tls(role);
    drop(settings);
    let number = state.hub().connections.assign_id();
    let span = tracing::error_span!("connection", connection = number);
    let connection = HttpConnection {
        peer,
        state: Arc::clone(&state),
        role,
        router,
        lifecycle,
        place: Mutex::new(Rank::Leaf, place),
    };
    let Some(tls) = tls else {
        // Boxed, so that what HTTP needs is gone when the WebSocket begins.
        let upgraded = Box::pin(connection.serve_http(stream).instrument(span)).await;
        if let Some(upgraded) = upgraded {
            run_websocket(upgraded, number, &state).await;
        }
        return;
    };
    // Boxed whole: TLS is not to make the tasks of plain connections larger.
    Box::pin(async move {
        let Some(stream) = connection.tls_handshake(stream, tls).instrument(span.clone()).await
        else {
            return;
        };
        let upgraded = Box::pin(connection.serve_http(stream).instrument(span)).await;
        if let Some(upgraded) = upgraded {
            run_websocket(upgraded, number, &state).await;
        }
    })
    .await;
}

/// The WebSocket's life. Not `async`, so that the task holds what it needs only once.
fn run_websocket<S>(
    upgraded: Upgraded<S>,
    number: u64,
    state: &HttpState,
) -> impl Future<Output = ()> + Send
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Upgraded { io, already_read, upgrade: PendingUpgrade { arrival, refused, place } } =
        upgraded;
    let connection = transport::Connection { io, already_read, arrival, number };
    let settings = state.settings().transport;
    match refused {
        None => Either::Left(connection.run(Arc::clone(state.hub()), settings, place)),
        Some(close) => {
            let hub = Arc::clone(state.hub());
            Either::Right(Box::pin(async move { connection.refuse(&hub, settings, close).await }))
        }
    }
}

impl HttpConnection {
    /// TLS, when there is a place for the connection: telling those without one costs a handshake each.
    async fn tls_handshake(
        &self,
        stream: TcpStream,
        tls: TlsAcceptor,
    ) -> Option<Box<TlsStream<TcpStream>>> {
        if self.exceeds_connection_limit() {
            return None;
        }
        let limit = self.state.settings().handshake_timeout;
        match tokio::time::timeout(limit, tls.accept(stream)).await {
            Ok(Ok(stream)) => Some(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                self.count_handshake_timeout(true);
                None
            }
        }
    }

    /// Answers HTTP requests until the connection closes, or an upgrade was answered.
    async fn serve_http<S>(self, stream: S) -> Option<Upgraded<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if !self.exceeds_connection_limit() {
            return self.serve_connection(stream).await;
        }
        // One answer, and soon: who has no place cannot wait for anything.
        let limit = self.state.settings().handshake_timeout;
        tokio::time::timeout(limit, self.serve_connection(stream)).await.ok()?
    }

    async fn serve_connection<S>(self, stream: S) -> Option<Upgraded<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let upgrade = OnceLock::new();
        let is_last = self.exceeds_connection_limit();
        let service = service_fn(|request: Request<Incoming>| {
            if self.role != PortRole::Admin && request.uri().path() == upgrade::PATH {
                let answer =
                    upgrade::answer(&request, &self.state, self.peer, &self.place, &upgrade);
                return Either::Left(ready(Ok(close_after(answer, is_last))));
            }
            let is_health = health::PATHS.contains(&request.uri().path());
            if self.role == PortRole::Admin && is_last && !is_health {
                return Either::Left(ready(Ok(close_after(
                    request_id::identify(request.headers(), no_place()),
                    is_last,
                ))));
            }
            let answered = self.router.clone().call(request.map(Body::new));
            let answered = async move { answered.await.map(|answer| close_after(answer, is_last)) };
            Either::Right(Box::pin(answered) as BoxFuture<'_, Result<Response<Body>, Infallible>>)
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.state.settings().handshake_timeout)
            .max_buf_size(HTTP_BUFFER_BYTES)
            .half_close(false)
            .serve_connection(TokioIo::new(stream), service);
        let served = tokio::select! {
            biased;
            served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
            () = is_over(self.role, &self.lifecycle) => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                // Who still sends a request may have its answer, for as long as the others need.
                tokio::select! {
                    biased;
                    () = self.lifecycle.stopping() => return None,
                    served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
                }
            }
        };
        served.inspect_err(|error| self.count_handshake_timeout(error.is_timeout())).ok()?;
        let http1::Parts { io, read_buf, .. } = connection.into_parts();
        // Copied: the WebSocket would keep the whole buffer, for all its life, as the beginning of its own.
        let already_read = read_buf.to_vec();
        Some(Upgraded { io: io.into_inner(), already_read, upgrade: upgrade.into_inner()? })
    }

    /// Counts a client that did not come to its upgrade in time.
    fn count_handshake_timeout(&self, is_late: bool) {
        if is_late && self.role != PortRole::Admin {
            self.state.hub().metrics().limits_hit.inc(Limit::HandshakeTimeout);
        }
    }

    fn exceeds_connection_limit(&self) -> bool {
        matches!(*self.place.lock(), Some(Err(_)))
    }
}

/// What a connection beyond the bound of the server API's port is told, whatever it asks for but for its health.
fn no_place() -> Response<Body> {
    let detail = "too many connections to the server API; close those that idle, or raise `limits.admin_connections`";
    Problem::new(ProblemKind::OVERLOADED, detail).respond()
}

/// An answer, the last on its connection or not.
fn close_after(mut answer: Response<Body>, is_last: bool) -> Response<Body> {
    if is_last {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}
