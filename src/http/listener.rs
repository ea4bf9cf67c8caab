//! The accept loop, and a connection's HTTP phase until its upgrade.
//!
//! One task per connection: it serves HTTP, with or without TLS, and after an upgrade continues as the WebSocket's
//! task. Invariant: each connection to the clients' port holds a permit for pending connections, or gets one answer and
//! is closed; this bounds idle connections too. The port of the server API has permits of its own.

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
use hyper::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::WaitForCancellationFuture;
use tower_service::Service as _;
use tracing::{Instrument as _, Span};

use super::auth_failures::ClientAddress;
use super::problem::{Problem, ProblemKind};
use super::role::PortRole;
use super::router::router;
use super::state::HttpState;
use super::upgrade::{self, PendingUpgrade};
use super::write_timeout::WriteTimeout;
use super::{forwarded, health, request_head, request_id};
use crate::hub::{ConnectionLimitExceeded, ConnectionPermit};
use crate::lifecycle::Lifecycle;
use crate::sync::{Mutex, Rank};
use crate::telemetry::Limit;
use crate::transport;

/// Length of the listen backlog.
const BACKLOG: i32 = 4_096;
/// Pause after the system rejects an accept, for example at the file descriptor limit.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Buffer of the HTTP phase; bounds the request line and headers.
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
    /// The system's error, when the address is in use or not local.
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

    /// The bound address.
    ///
    /// # Errors
    /// The system's error.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Accepts until the gateway drains; on the server API's own port until it stops, so that a drain can be observed.
    pub async fn run(self: Arc<Self>, state: Arc<HttpState>, lifecycle: Lifecycle) {
        let router = router(&state, self.role);
        loop {
            let accepted = tokio::select! {
                biased;
                () = stops_accepting(self.role, &lifecycle) => return,
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
                    tracing::warn!(%error, "cannot accept connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Resolves when a port of this role stops accepting. Cancel-safe.
fn stops_accepting(role: PortRole, lifecycle: &Lifecycle) -> WaitForCancellationFuture<'_> {
    match role {
        PortRole::Clients | PortRole::Both => lifecycle.draining(),
        PortRole::Admin => lifecycle.stopping(),
    }
}

/// A connection in its HTTP phase.
struct HttpConnection {
    /// Address of the client or proxy.
    peer: IpAddr,
    state: Arc<HttpState>,
    role: PortRole,
    router: Router,
    lifecycle: Lifecycle,
    /// Its pending-connection permit, or why it has none. `None` for a proxy's connection, which acquires a permit for
    /// the client of its upgrade.
    permit: Mutex<Option<Result<ConnectionPermit, ConnectionLimitExceeded>>>,
}

/// The socket after an answered upgrade.
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
        return; // The peer has disconnected.
    }
    let (settings, peer) = (state.settings(), peer.ip().to_canonical());
    let descriptors = state.descriptors();
    let is_client = role != PortRole::Admin;
    let descriptor = is_client.then(|| descriptors.acquire(settings.reserved_descriptors));
    if let Some(None) = descriptor {
        state.hub().metrics().limits_hit.inc(Limit::ReservedFileDescriptors);
        return descriptors.log_rejection(state.hub().clock().monotonic());
    }
    let permit = match role {
        PortRole::Admin => Some(state.hub().connections.acquire_admin(peer)),
        PortRole::Clients | PortRole::Both if settings.listen().trusts(peer) => None,
        PortRole::Clients | PortRole::Both => Some(state.hub().connections.acquire(peer)),
    };
    let tls = settings.tls(role);
    drop(settings);
    let id = state.hub().connections.assign_id();
    let span = tracing::error_span!("connection", connection = id);
    let connection = HttpConnection {
        peer,
        state: Arc::clone(&state),
        role,
        router,
        lifecycle,
        permit: Mutex::new(Rank::Leaf, permit),
    };
    let Some(tls) = tls else {
        // Boxed, so that the HTTP state is freed before the WebSocket starts.
        let upgraded = Box::pin(connection.serve_http(stream).instrument(span.clone())).await;
        if let Some(upgraded) = upgraded {
            run_websocket(upgraded, id, span, &state).await;
        }
        return;
    };
    // Boxed, so that TLS does not enlarge the tasks of plain connections.
    Box::pin(async move {
        let Some(stream) = connection.tls_handshake(stream, tls).instrument(span.clone()).await
        else {
            return;
        };
        let upgraded = Box::pin(connection.serve_http(stream).instrument(span.clone())).await;
        if let Some(upgraded) = upgraded {
            run_websocket(upgraded, id, span, &state).await;
        }
    })
    .await;
}

/// Runs the WebSocket. Not `async`, so that its state is in the task only once.
fn run_websocket<S>(
    upgraded: Upgraded<S>,
    id: u64,
    span: Span,
    state: &HttpState,
) -> impl Future<Output = ()> + Send
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Upgraded { io, already_read, upgrade: PendingUpgrade { peer_info, rejection, permit } } =
        upgraded;
    let connection = transport::Connection { io, already_read, peer_info, id, span };
    let settings = state.settings().transport;
    match rejection {
        None => Either::Left(connection.run(Arc::clone(state.hub()), settings, permit)),
        Some(disconnect) => {
            let hub = Arc::clone(state.hub());
            let rejecting = async move { connection.reject(&hub, settings, &disconnect).await };
            Either::Right(Box::pin(rejecting))
        }
    }
}

impl HttpConnection {
    /// TLS handshake, only with a permit: without one the handshake would be wasted.
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
                tracing::debug!(%error, "TLS handshake failed");
                None
            }
            Err(_) => {
                self.count_handshake_timeout(true);
                None
            }
        }
    }

    /// Serves HTTP requests until the connection closes or an upgrade is answered.
    async fn serve_http<S>(self, stream: S) -> Option<Upgraded<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if !self.exceeds_connection_limit() {
            return self.serve_connection(stream).await;
        }
        // A connection without a permit gets one answer within the handshake timeout.
        let limit = self.state.settings().handshake_timeout;
        tokio::time::timeout(limit, self.serve_connection(stream)).await.ok()?
    }

    async fn serve_connection<S>(self, stream: S) -> Option<Upgraded<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let upgrade = OnceLock::new();
        let is_last = self.exceeds_connection_limit();
        let limit = self.state.settings().handshake_timeout;
        let service = service_fn(|mut request: Request<Incoming>| {
            if let Err(problem) = request_head::check(&mut request) {
                let answer = request_id::with_request_id(request.headers(), problem.respond());
                return Either::Left(ready(Ok(finished(answer, true))));
            }
            if self.role != PortRole::Admin && request.uri().path() == upgrade::PATH {
                let answer =
                    upgrade::answer(&request, &self.state, self.peer, &self.permit, &upgrade);
                return Either::Left(ready(Ok(finished(answer, is_last))));
            }
            let is_health = health::PATHS.contains(&request.uri().path());
            if self.role == PortRole::Admin && is_last && !is_health {
                return Either::Left(ready(Ok(finished(
                    request_id::with_request_id(request.headers(), too_many_connections()),
                    is_last,
                ))));
            }
            let mut request = request.map(Body::new);
            let settings = self.state.settings();
            let address = forwarded::client(request.headers(), self.peer, settings.listen());
            request.extensions_mut().insert(ClientAddress(address));
            let answered = self.router.clone().call(request);
            let answered = async move { answered.await.map(|answer| finished(answer, is_last)) };
            Either::Right(Box::pin(answered) as BoxFuture<'_, Result<Response<Body>, Infallible>>)
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limit)
            .max_buf_size(HTTP_BUFFER_BYTES)
            .half_close(false)
            .serve_connection(TokioIo::new(WriteTimeout::new(stream, limit)), service);
        let served = tokio::select! {
            biased;
            served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
            () = stops_accepting(self.role, &self.lifecycle) => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                // Requests in progress are answered while the gateway drains.
                tokio::select! {
                    biased;
                    () = self.lifecycle.stopping() => return None,
                    served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
                }
            }
        };
        served
            .inspect_err(|error| {
                if is_write_timeout(error) {
                    self.state.hub().metrics().limits_hit.inc(Limit::HandshakeTimeout);
                } else {
                    self.count_handshake_timeout(error.is_timeout());
                }
            })
            .ok()?;
        let http1::Parts { io, read_buf, .. } = connection.into_parts();
        // Copied, because the WebSocket would retain the whole buffer.
        let already_read = read_buf.to_vec();
        Some(Upgraded {
            io: io.into_inner().into_inner(),
            already_read,
            upgrade: upgrade.into_inner()?,
        })
    }

    /// Counts a client that did not send its upgrade request in time.
    fn count_handshake_timeout(&self, is_late: bool) {
        if is_late && self.role != PortRole::Admin {
            self.state.hub().metrics().limits_hit.inc(Limit::HandshakeTimeout);
        }
    }

    fn exceeds_connection_limit(&self) -> bool {
        matches!(*self.permit.lock(), Some(Err(_)))
    }
}

/// The answer to requests beyond the connection limit of the server API's port, except for health checks.
fn too_many_connections() -> Response<Body> {
    let detail = "too many connections to the server API; close idle ones, or raise `limits.admin_connections`";
    Problem::new(ProblemKind::OVERLOADED, detail).respond()
}

/// Sets the headers that every answer has. The last answer of a connection closes it.
fn finished(mut answer: Response<Body>, is_last: bool) -> Response<Body> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let headers = answer.headers_mut();
        // Answers carry tokens and names of users.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    if is_last { upgrade::close(answer) } else { answer }
}

/// Whether the peer did not take an answer in time.
fn is_write_timeout(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}
