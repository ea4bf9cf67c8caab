//! The first frame of a connection, and what comes of it.
//!
//! Nothing is read past that frame until it is decided: who floods here waits. A refusal is an error reply, a
//! `disconnect` and a close. Source: `docs/protocol.md`, "Handshake".

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::{SinkExt as _, StreamExt as _};
use stagedoor_proto::{
    ClientMessage, CloseCode, Command, Credentials, DecodeError, Disconnect, Push, Request,
    SessionEnd, SessionId, SessionState, SessionStateChange, Start, decode_client, encode_push,
    encode_reply,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tracing::Instrument as _;

use super::connection::Settings;
use super::serve::{count_depth, violation};
use super::socket::Gate;
use crate::hub::{Hub, OpenedSession, PeerInfo, SessionHandle, StartError};
use crate::request::RequestId;
use crate::session::Session;
use crate::telemetry::{Limit, Outcome};

/// What came of the first frame.
pub(super) enum Opened {
    /// A session; its answer is in the output buffer.
    Session { session: Arc<SessionHandle>, generation: u64 },
    /// Nothing; the connection is to close with this.
    Refused(Box<Disconnect>),
    /// Nothing; the peer sent a close frame.
    ClosedByPeer,
    /// Nothing; the socket failed or ended.
    Lost,
}

/// Why there is no first frame.
enum NoFirst {
    /// The peer broke a rule: close with this.
    Violation(CloseCode),
    ClosedByPeer,
    Lost,
}

/// Reads the first frame and does what it asks for.
pub(super) async fn open<S>(
    ws: &mut WebSocketStream<Gate<S>>,
    hub: &Arc<Hub>,
    settings: Settings,
    arrival: PeerInfo,
) -> Opened
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = tokio::select! {
        biased;
        () = hub.draining() => return Opened::Refused(hub.draining_error().disconnect),
        first = tokio::time::timeout(settings.start_timeout, first_text(ws, hub)) => first,
    };
    let first = match first {
        Ok(Ok(text)) => text,
        Ok(Err(NoFirst::Violation(close))) => return refuse(close, close.reason()),
        Ok(Err(NoFirst::ClosedByPeer)) => return Opened::ClosedByPeer,
        Ok(Err(NoFirst::Lost)) => return Opened::Lost,
        Err(_) => {
            hub.metrics().limits_hit.inc(Limit::StartTimeout);
            return refuse(CloseCode::StartTimeout, "no start or resume came in time");
        }
    };
    let Request { id, command } = match decode_client(&first) {
        Ok(ClientMessage::Request(request)) => request,
        Ok(ClientMessage::Pong(_)) => {
            return refuse(CloseCode::NotAllowedNow, "start or resume comes first");
        }
        Err(error) => {
            count_depth(&error, hub);
            if let Some(id) = error.id() {
                ws.get_mut().push_text(None, &encode_reply(id, &Err(error.to_error())));
            }
            let close = match error {
                // It may be a command of a later version: no bug, but too early all the same.
                DecodeError::UnknownCommand { .. } => CloseCode::NotAllowedNow,
                DecodeError::Malformed { .. } | DecodeError::TooDeep => CloseCode::Malformed,
            };
            return refuse(close, &error.to_string());
        }
    };
    let session = match &command {
        // Nothing is logged of it before its client has proved that the session is its own.
        Command::Resume(resume) => resume.session,
        _ => hub.accounts.new_session_id(),
    };
    let request = RequestId::Session { session, number: id };
    let span = tracing::error_span!("request", %request);
    let answered = answer(ws, hub, settings, arrival, Request { id, command }, session, request);
    answered.instrument(span).await
}

/// Does what the first request asks for.
async fn answer<S>(
    ws: &mut WebSocketStream<Gate<S>>,
    hub: &Arc<Hub>,
    settings: Settings,
    arrival: PeerInfo,
    Request { id, command }: Request,
    session: SessionId,
    request: RequestId,
) -> Opened
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let opened = match command {
        Command::Start(start) => {
            let began = hub.clock().micros();
            let opened = open_session(ws, hub, settings, *start, arrival, session, &request).await;
            hub.metrics().start_duration.observe(hub.clock().since(began));
            hub.metrics().starts.inc(outcome_of(&opened));
            opened
        }
        Command::Resume(resume) => {
            let resumed = tokio::select! {
                biased;
                () = hub.draining() => Err(hub.draining_error()),
                resumed = hub.accounts.resume(resume, &arrival, &request) => resumed,
            };
            hub.metrics().resumes.inc(outcome_of(&resumed));
            resumed
        }
        other => {
            let message =
                format!("`{}` needs a session; `start` or `resume` comes first", other.name());
            Err(StartError::new(CloseCode::NotAllowedNow, message))
        }
    };
    match opened {
        Ok(OpenedSession { session, generation, reply }) => {
            hub.sessions.disconnect_if_draining(&session);
            ws.get_mut().push_text(None, &encode_reply(id, &Ok(reply)));
            hub.accounts.log_opened(&session);
            Opened::Session { session, generation }
        }
        Err(StartError { error, disconnect }) => {
            ws.get_mut().push_text(None, &encode_reply(id, &Err(error)));
            Opened::Refused(disconnect)
        }
    }
}

async fn open_session<S>(
    ws: &mut WebSocketStream<Gate<S>>,
    hub: &Arc<Hub>,
    settings: Settings,
    start: Start,
    arrival: PeerInfo,
    session: SessionId,
    request: &RequestId,
) -> Result<OpenedSession, StartError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    check_params(&start, settings).inspect_err(|_| {
        hub.metrics().limits_hit.inc(Limit::AuthParamsBytes);
    })?;
    hub.connections.take_start(arrival.address)?;
    let (seq, establishing) = Session::establishing();
    ws.get_mut().push_text(Some(seq), &establishing);
    let authenticated = {
        let mut authenticate = pin!(hub.accounts.authenticate(&start, &arrival, request));
        // Where a hook has to be waited for, the client is told meanwhile; else all goes out in one write.
        let decided = poll_fn(|cx| match authenticate.as_mut().poll(cx) {
            Poll::Ready(decided) => Poll::Ready(decided),
            Poll::Pending => {
                // A socket that fails here is found out when the session is served.
                let _ = ws.get_mut().poll_drain(cx);
                Poll::Pending
            }
        });
        tokio::select! {
            biased;
            () = hub.draining() => Err(hub.draining_error()),
            decided = decided => decided,
        }
    };
    let result = match authenticated {
        Ok((app, verified)) => {
            hub.accounts.establish(app, verified, &start, arrival, session, request).await
        }
        Err(rejected) => Err(rejected),
    };
    result.inspect_err(|rejected| {
        ws.get_mut().push_text(Some(seq + 1), &not_established(&rejected.disconnect));
    })
}

fn outcome_of(opened: &Result<OpenedSession, StartError>) -> Outcome {
    Outcome(opened.as_ref().map(drop).map_err(|refused| refused.disconnect.code))
}

/// The first text frame.
async fn first_text<S>(ws: &mut WebSocketStream<Gate<S>>, hub: &Hub) -> Result<String, NoFirst>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match ws.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Binary(_))) => {
                return Err(NoFirst::Violation(CloseCode::Malformed));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                // tungstenite holds its answer to a ping back until it is asked for.
                ws.flush().await.map_err(|_| NoFirst::Lost)?;
                let gate = ws.get_mut();
                poll_fn(|cx| gate.poll_drain(cx)).await.map_err(|_| NoFirst::Lost)?;
            }
            Some(Ok(Message::Close(_))) => return Err(NoFirst::ClosedByPeer),
            None => return Err(NoFirst::Lost),
            Some(Err(error)) => {
                let close = violation(&error, ws.get_ref().is_flooded(), hub);
                return Err(close.map_or(NoFirst::Lost, NoFirst::Violation));
            }
        }
    }
}

fn check_params(start: &Start, settings: Settings) -> Result<(), StartError> {
    match &start.credentials {
        Credentials::Params(params) if params.as_json().len() > settings.auth_params_bytes => {
            let message = format!("params may have {} bytes", settings.auth_params_bytes);
            let mut refused = StartError::new(CloseCode::TooLarge, message);
            refused.error = refused.error.at("start.credentials.params");
            Err(refused)
        }
        Credentials::Params(_) | Credentials::Guest {} | Credentials::Token(_) => Ok(()),
    }
}

/// The state a refused start ends in: barred users are told that others decided it.
fn not_established(disconnect: &Disconnect) -> Vec<u8> {
    let state = match disconnect.code.session_end() {
        SessionEnd::Barred => SessionState::Terminated,
        SessionEnd::LoggedOut | SessionEnd::Removed => SessionState::NotLoggedIn,
    };
    let (code, reason) = (Some(disconnect.code), Some(disconnect.reason.clone()));
    encode_push(&Push::SessionState(SessionStateChange { state, version: 2, code, reason }))
}

fn refuse(close: CloseCode, why: &str) -> Opened {
    let mut disconnect = Disconnect::new(close);
    why.clone_into(&mut disconnect.reason);
    Opened::Refused(Box::new(disconnect))
}
