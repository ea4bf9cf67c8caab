//! The accept loop, and a connection's HTTP life up to its upgrade.
//!
//! One task a connection: it speaks HTTP first and, once an upgrade is answered, goes on as the WebSocket's task.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::future::{BoxFuture, Either};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::WaitForCancellationFuture;
use tower_service::Service as _;
use tracing::Instrument as _;

use super::router::Ports;
use super::upgrade::{self, Ticket};
use crate::lifecycle::Lifecycle;
use crate::telemetry::Limit;
use crate::transport;

/// How many connections the system may hold for us to accept.
const BACKLOG: i32 = 4_096;
/// How long accepting pauses when the system refuses it: no file descriptors are left, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The buffer of a connection while it speaks HTTP: bounds its request line and headers.
const HTTP_BUFFER_BYTES: usize = 16 * 1024;

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Clients alone.
    Clients,
    /// The server API alone.
    Admin,
    /// Both: development mode.
    Both,
}

/// A bound port.
pub struct Listener {
    tcp: TcpListener,
    role: Role,
}

impl Listener {
    /// Binds `address`; port 0 asks for any free one.
    ///
    /// # Errors
    /// The system's, when the address is taken or not ours.
    pub fn bind(address: SocketAddr, role: Role) -> io::Result<Self> {
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
    pub async fn run(self, ports: Arc<Ports>, lifecycle: Lifecycle) {
        let router = ports.router(self.role);
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
                        Arc::clone(&ports),
                        router.clone(),
                        lifecycle.clone(),
                    );
                    lifecycle.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Resolves when a port of this role takes nothing new. Cancel-safe.
fn is_over(role: Role, lifecycle: &Lifecycle) -> WaitForCancellationFuture<'_> {
    match role {
        Role::Clients | Role::Both => lifecycle.draining(),
        Role::Admin => lifecycle.stopping(),
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    role: Role,
    ports: Arc<Ports>,
    router: Router,
    lifecycle: Lifecycle,
) {
    if stream.set_nodelay(true).is_err() {
        return; // The peer is gone already.
    }
    let number = ports.hub().number_connection();
    // Boxed, so that what HTTP needs is gone when the WebSocket begins.
    let upgraded = Box::pin(
        speak_http(stream, peer, role, Arc::clone(&ports), router, lifecycle)
            .instrument(tracing::error_span!("connection", connection = number)),
    )
    .await;
    let Some((stream, already_read, Ticket { arrival, refused, place })) = upgraded else { return };
    let connection = transport::Connection { io: stream, already_read, arrival, number };
    match refused {
        None => connection.run(Arc::clone(ports.hub()), ports.transport(), place).await,
        Some(close) => Box::pin(connection.refuse(ports.hub(), ports.transport(), close)).await,
    }
}

/// Answers HTTP requests until the connection closes, or an upgrade was answered.
async fn speak_http(
    stream: TcpStream,
    peer: SocketAddr,
    role: Role,
    ports: Arc<Ports>,
    router: Router,
    lifecycle: Lifecycle,
) -> Option<(TcpStream, Vec<u8>, Ticket)> {
    let ticket = OnceLock::new();
    let service = service_fn(|request: Request<Incoming>| {
        if role != Role::Admin && request.uri().path() == upgrade::PATH {
            return Either::Left(ready(Ok(upgrade::answer(&request, peer, &ports, &ticket))));
        }
        let answered = router.clone().call(request.map(Body::new));
        Either::Right(Box::pin(answered) as BoxFuture<'_, Result<Response<Body>, Infallible>>)
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ports.handshake_timeout())
        .max_buf_size(HTTP_BUFFER_BYTES)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        biased;
        served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
        () = is_over(role, &lifecycle) => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            // Who still sends a request may have its answer, for as long as the others need.
            tokio::select! {
                biased;
                () = lifecycle.stopping() => return None,
                served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
            }
        }
    };
    let late = |error: &hyper::Error| {
        if error.is_timeout() && role != Role::Admin {
            ports.hub().metrics().limits_hit.inc(Limit::HandshakeTimeout);
        }
    };
    served.inspect_err(late).ok()?;
    let http1::Parts { io, read_buf, .. } = connection.into_parts();
    // Copied: the WebSocket would keep the whole buffer, for all its life, as the beginning of its own.
    Some((io.into_inner(), read_buf.to_vec(), ticket.into_inner()?))
}
