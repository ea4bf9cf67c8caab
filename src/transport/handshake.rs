//! The handshake: the first frame of a connection and its result.
//!
//! Nothing more is read until it is decided, so a flooding peer is held back by TCP. A rejection is an error reply, a
//! `disconnect` and a close. Source: `docs/protocol.md`, "Handshake".

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use stagedoor_proto::{
    ClientMessage, CloseCode, Command, Credentials, DecodeError, Disconnect, Request, SessionId,
    Start, decode_client, encode_reply,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tracing::Instrument as _;

use super::serve::{count_depth, violation};
use super::settings::Settings;
use super::socket::BufferedSocket;
use crate::hub::{Attempt, Hub, OpenedSession, PeerInfo, SessionConnection, StartError};
use crate::rate_limit::RateLimiter;
use crate::request::RequestId;
use crate::session::Establishing;
use crate::telemetry::{AdmissionOutcome, Limit};

/// The result of a handshake.
pub(super) enum HandshakeOutcome {
    /// A session was established; the reply is in the output buffer.
    Opened(SessionConnection),
    /// The handshake was rejected; close the connection with this.
    Rejected(Box<Disconnect>),
    /// The peer sent a close frame.
    ClosedByPeer,
    /// The socket failed or ended.
    Lost,
}

/// Why there is no first frame.
enum FirstFrameError {
    /// The peer violated the protocol: close with this code.
    Violation(CloseCode),
    /// The peer sent too many pings or pongs.
    RateLimited(Duration),
    ClosedByPeer,
    Lost,
}

/// Reads and executes the first frame.
pub(super) async fn open<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    hub: &Arc<Hub>,
    settings: Settings,
    peer_info: PeerInfo,
) -> HandshakeOutcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut deadline = pin!(tokio::time::sleep(settings.start_timeout));
    let mut pending = None;
    loop {
        let first = tokio::select! {
            biased;
            () = hub.draining() => Err(HandshakeOutcome::Rejected(hub.draining_error().disconnect)),
            first = first_text(ws, hub, settings) => first.map_err(|error| error.outcome(hub)),
            () = &mut deadline => {
                hub.metrics().limits_hit.inc(Limit::StartTimeout);
                Err(reject(CloseCode::StartTimeout, "no `start` or `resume` received in time"))
            }
        };
        let answered = match first {
            Ok(text) => {
                answer_text(ws, hub, settings, peer_info.clone(), &text, &mut pending).await
            }
            Err(outcome) => Some(outcome),
        };
        if let Some(outcome) = answered {
            if let (Some(establishing), HandshakeOutcome::Rejected(disconnect)) =
                (pending, &outcome)
            {
                push_refusal(ws, establishing, disconnect);
            }
            return outcome;
        }
        // The client waits for the reply before it starts again. One that does not read it meets the deadline.
        let written = tokio::select! {
            written = poll_fn(|cx| ws.get_mut().poll_drain(cx)) => written,
            () = &mut deadline => Ok(()),
        };
        if written.is_err() {
            return HandshakeOutcome::Lost;
        }
    }
}

impl FirstFrameError {
    fn outcome(self, hub: &Hub) -> HandshakeOutcome {
        match self {
            Self::Violation(close) => reject(close, close.reason()),
            Self::RateLimited(wait) => {
                hub.metrics().limits_hit.inc(Limit::Pings);
                let error = StartError::new(CloseCode::RateLimited, "too many pings");
                HandshakeOutcome::Rejected(error.retry_after(wait).disconnect)
            }
            Self::ClosedByPeer => HandshakeOutcome::ClosedByPeer,
            Self::Lost => HandshakeOutcome::Lost,
        }
    }
}

/// Decodes and executes a first message. `None`: the client may send another one; `pending` is for another `start`.
async fn answer_text<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    hub: &Arc<Hub>,
    settings: Settings,
    peer_info: PeerInfo,
    first: &str,
    pending: &mut Option<Establishing>,
) -> Option<HandshakeOutcome>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let decoded = decode_client(first);
    if !settings.admits(first.len(), decoded.as_ref().ok()) {
        hub.metrics().limits_hit.inc(Limit::MessageInBytes);
        return Some(reject(CloseCode::TooLarge, CloseCode::TooLarge.reason()));
    }
    let Request { id, command } = match decoded {
        Ok(ClientMessage::Request(request)) => request,
        Ok(ClientMessage::Pong(_)) => {
            return Some(reject(
                CloseCode::NotAllowedNow,
                "the first message must be `start` or `resume`",
            ));
        }
        Err(error) => {
            count_depth(&error, hub);
            let Some(id) = error.id() else {
                return Some(reject(CloseCode::Malformed, &error.to_string()));
            };
            ws.get_mut().push_text(None, &encode_reply(id, &Err(error.to_error())));
            return match error {
                // Possibly a command of a later protocol version, but not valid as the first message either.
                DecodeError::UnknownCommand { .. } => {
                    Some(reject(CloseCode::NotAllowedNow, &error.to_string()))
                }
                // The client may send another first message until the deadline. Each counts as a start.
                DecodeError::Malformed { .. }
                | DecodeError::InvalidArgument { .. }
                | DecodeError::TooDeep { .. } => {
                    let taken = hub.connections.take_start(peer_info.address);
                    taken.err().map(|error| HandshakeOutcome::Rejected(error.disconnect))
                }
            };
        }
    };
    let session = match &command {
        // The session id is only logged after the client has authenticated.
        Command::Resume(resume) => resume.session,
        _ => hub.accounts.new_session_id(),
    };
    let request = RequestId::Session { session, number: id };
    let span = tracing::error_span!("request", %request);
    let request_of = Request { id, command };
    let answered = answer(ws, hub, settings, peer_info, request_of, session, request, pending);
    answered.instrument(span).await
}

/// Executes a first request.
#[expect(
    clippy::too_many_arguments,
    reason = "everything that is known of the connection and its request"
)]
async fn answer<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    hub: &Arc<Hub>,
    settings: Settings,
    peer_info: PeerInfo,
    Request { id, command }: Request,
    session: SessionId,
    request: RequestId,
    pending: &mut Option<Establishing>,
) -> Option<HandshakeOutcome>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let attempt = Attempt::arriving(hub.clock());
    let opened = match command {
        Command::Start(start) => {
            let began = hub.clock().micros();
            let opened = match admit_start(&start, settings, &peer_info, hub) {
                Ok(()) => {
                    open_session(ws, hub, *start, peer_info, session, &attempt, &request, pending)
                        .await
                }
                Err(rejected) => Err(rejected),
            };
            hub.metrics().start_duration.observe(hub.clock().since(began));
            if attempt.is_connected() {
                hub.metrics().starts.inc(outcome_of(&opened));
            }
            opened
        }
        Command::Resume(resume) if pending.is_none() => {
            // Boxed, so that it does not enlarge the state of a start.
            let resumed = Box::pin(hub.accounts.resume(resume, &peer_info, &attempt, &request));
            let resumed = watch(ws, &attempt, false, resumed).await;
            if attempt.is_connected() {
                hub.metrics().resumes.inc(outcome_of(&resumed));
            }
            resumed
        }
        Command::Resume(_) => {
            let message = "a rejected `start` can only be followed by another `start`";
            Err(StartError::new(CloseCode::NotAllowedNow, message))
        }
        other => {
            let message =
                format!("`{}` requires a session; send `start` or `resume` first", other.name());
            Err(StartError::new(CloseCode::NotAllowedNow, message))
        }
    };
    match opened {
        Ok(OpenedSession { connection, reply }) => {
            hub.sessions.disconnect_if_draining(connection.session());
            ws.get_mut().push_text(None, &encode_reply(id, &Ok(reply)));
            hub.accounts.log_opened(connection.session());
            Some(HandshakeOutcome::Opened(connection))
        }
        Err(_) if !attempt.is_connected() => Some(ended(ws)),
        Err(rejected) => {
            let may_start_again = rejected.may_start_again();
            let StartError { error, disconnect } = rejected;
            ws.get_mut().push_text(None, &encode_reply(id, &Err(error)));
            (!may_start_again).then_some(HandshakeOutcome::Rejected(disconnect))
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "as of `answer`")]
async fn open_session<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    hub: &Arc<Hub>,
    start: Start,
    peer_info: PeerInfo,
    session: SessionId,
    attempt: &Attempt,
    request: &RequestId,
    pending: &mut Option<Establishing>,
) -> Result<OpenedSession, StartError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let establishing = pending.take().unwrap_or_else(|| {
        let (establishing, push) = Establishing::begin();
        ws.get_mut().push_text(Some(push.seq), &push.body);
        establishing
    });
    // If an auth hook does not answer at once, the progress push is flushed first; otherwise all is one write.
    let authenticated = hub.accounts.authenticate(&start, &peer_info, attempt, request);
    let opened = match watch(ws, attempt, true, authenticated).await {
        Ok(authenticated) => {
            let (accounts, peer) = (&hub.accounts, peer_info);
            let established = accounts.establish(
                establishing,
                authenticated,
                &start,
                peer,
                session,
                attempt,
                request,
            );
            watch(ws, attempt, false, established).await
        }
        Err(refused) => Err((establishing, refused)),
    };
    opened.map_err(|(establishing, refused)| {
        if refused.may_start_again() {
            *pending = Some(establishing);
        } else {
            push_refusal(ws, establishing, &refused.disconnect);
        }
        refused
    })
}

fn push_refusal<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    establishing: Establishing,
    disconnect: &Disconnect,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let push = establishing.refuse(disconnect);
    ws.get_mut().push_text(Some(push.seq), &push.body);
}

/// Waits for a decision, and reports the end of the connection to its attempt. The decision is always waited for: it
/// finds at its next commit point that the client is gone. With `flush`, pending output is written meanwhile.
async fn watch<S, T>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    attempt: &Attempt,
    flush: bool,
    decision: impl Future<Output = T>,
) -> T
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut decision = pin!(decision);
    let mut has_waited = false;
    poll_fn(|cx| {
        let socket = ws.get_mut();
        // An end that is noticed together with the decision precedes it.
        if std::mem::replace(&mut has_waited, true) {
            report_end(socket, attempt, cx);
        }
        if let Poll::Ready(decided) = decision.as_mut().poll(cx) {
            return Poll::Ready(decided);
        }
        report_end(socket, attempt, cx);
        if flush {
            // A socket error is handled when the session is served.
            let _ = socket.poll_drain(cx);
        }
        Poll::Pending
    })
    .await
}

fn report_end<S>(socket: &mut BufferedSocket<S>, attempt: &Attempt, cx: &mut Context<'_>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if attempt.is_connected() && socket.poll_ended(cx).is_ready() {
        attempt.disconnect();
        // The decision may wait for that.
        cx.waker().wake_by_ref();
    }
}

/// The end of a connection whose peer ended it while its first frame was decided. All that it sent has been read.
fn ended<S>(ws: &mut WebSocketStream<BufferedSocket<S>>) -> HandshakeOutcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match ws.next().now_or_never() {
            Some(Some(Ok(Message::Close(_)))) => return HandshakeOutcome::ClosedByPeer,
            Some(Some(Ok(_))) => {}
            Some(Some(Err(_)) | None) | None => return HandshakeOutcome::Lost,
        }
    }
}

fn outcome_of(opened: &Result<OpenedSession, StartError>) -> AdmissionOutcome {
    AdmissionOutcome(opened.as_ref().map(drop).map_err(|refused| refused.disconnect.code))
}

/// Reads the first text frame.
async fn first_text<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    hub: &Hub,
    settings: Settings,
) -> Result<String, FirstFrameError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut pings = RateLimiter::default();
    loop {
        match ws.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Binary(_))) => {
                return Err(FirstFrameError::Violation(CloseCode::Malformed));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                let taken = pings.take(settings.pings, hub.clock().monotonic());
                taken.map_err(FirstFrameError::RateLimited)?;
                // tungstenite sends its answer to a ping on the next flush.
                ws.flush().await.map_err(|_| FirstFrameError::Lost)?;
                let socket = ws.get_mut();
                poll_fn(|cx| socket.poll_drain(cx)).await.map_err(|_| FirstFrameError::Lost)?;
            }
            Some(Ok(Message::Close(_))) => return Err(FirstFrameError::ClosedByPeer),
            None => return Err(FirstFrameError::Lost),
            Some(Err(error)) => {
                let close = violation(&error, ws.get_ref(), hub);
                return Err(close.map_or(FirstFrameError::Lost, FirstFrameError::Violation));
            }
        }
    }
}

/// Checks the limits of a start.
fn admit_start(
    start: &Start,
    settings: Settings,
    peer_info: &PeerInfo,
    hub: &Hub,
) -> Result<(), StartError> {
    check_params(start, settings).inspect_err(|_| {
        hub.metrics().limits_hit.inc(Limit::AuthParamsBytes);
    })?;
    hub.connections.take_start(peer_info.address)
}

fn check_params(start: &Start, settings: Settings) -> Result<(), StartError> {
    match &start.credentials {
        Credentials::Params(params) if params.as_json().len() > settings.auth_params_bytes => {
            let message = format!("`params` must be at most {} bytes", settings.auth_params_bytes);
            let mut refused = StartError::new(CloseCode::TooLarge, message);
            refused.error = refused.error.at("start.credentials.params");
            Err(refused)
        }
        Credentials::Params(_) | Credentials::Guest {} | Credentials::Token(_) => Ok(()),
    }
}

fn reject(close: CloseCode, why: &str) -> HandshakeOutcome {
    let mut disconnect = Disconnect::new(close);
    why.clone_into(&mut disconnect.reason);
    HandshakeOutcome::Rejected(Box::new(disconnect))
}
