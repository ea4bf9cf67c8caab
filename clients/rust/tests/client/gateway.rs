//! A gateway scripted by a test, on a port of its own.

use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use stagedoor_client::proto::{
    ClientMessage, CloseCode, Command, Disconnect, Request, Resume, SUBPROTOCOL, decode_client,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{
    ErrorResponse, Request as Opening, Response,
};
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A valid id.
pub(crate) const SESSION: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

/// Listens, and accepts one connection at a time.
pub(crate) struct Gateway {
    listener: TcpListener,
}

/// The gateway's end of one connection.
pub(crate) struct Served {
    socket: WebSocketStream<TcpStream>,
}

impl Gateway {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/v1/connect", self.address())
    }

    /// Accepts a TCP connection.
    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        self.listener.accept().await.expect("a connection").0
    }

    pub(crate) async fn accept(&self) -> Served {
        let socket = tokio_tungstenite::accept_hdr_async(self.accept_tcp().await, choose).await;
        Served { socket: socket.expect("a WebSocket handshake") }
    }
}

/// Selects the subprotocol, if one was offered.
#[expect(clippy::unnecessary_wraps, clippy::result_large_err, reason = "the library's signature")]
fn choose(opening: &Opening, mut response: Response) -> Result<Response, ErrorResponse> {
    if opening.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        let chosen = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
    }
    Ok(response)
}

impl Served {
    pub(crate) async fn send(&mut self, message: Value) {
        self.socket.send(Message::Text(message.to_string().into())).await.expect("a client");
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::Text(text.into())).await.expect("a client");
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        let close = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.socket.close(Some(close)).await.expect("a client");
    }

    /// The next frame of the client.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        self.socket.next().await.and_then(Result::ok)
    }

    pub(crate) async fn message(&mut self) -> ClientMessage {
        let frame = self.frame().await.expect("a frame");
        decode_client(frame.to_text().expect("a text frame")).expect("a message")
    }

    pub(crate) async fn request(&mut self) -> Request {
        match self.message().await {
            ClientMessage::Request(request) => request,
            ClientMessage::Pong(pong) => panic!("expected a request, not {pong:?}"),
        }
    }

    /// Rejects the first message of the client: an error reply, a `disconnect` and a close.
    pub(crate) async fn refuse(&mut self, id: u32, error: &str, code: u16) {
        self.send(json!({ "id": id, "error": { "code": error, "message": "no" } })).await;
        self.part(code, json!({})).await;
    }

    /// Sends `disconnect` with the code and `more`, and closes.
    pub(crate) async fn part(&mut self, code: u16, more: Value) {
        let code_known = CloseCode::try_from(code).expect("a close code");
        let mut disconnect = serde_json::to_value(Disconnect::new(code_known)).expect("JSON");
        let Value::Object(more) = more else { panic!("fields are an object") };
        for (name, field) in more {
            disconnect[name] = field;
        }
        self.send(json!({ "disconnect": disconnect })).await;
        self.close(code, code_known.reason()).await;
    }

    /// The `resume` of the client, and the id of its request.
    pub(crate) async fn resume(&mut self) -> (u32, Resume) {
        match self.request().await {
            Request { id, command: Command::Resume(resume) } => (id, resume),
            Request { command, .. } => panic!("expected a resume, not {command:?}"),
        }
    }

    /// Answers the `start` of the client and returns it.
    pub(crate) async fn start(&mut self) -> Command {
        let Request { id, command } = self.request().await;
        self.send(started(id)).await;
        command
    }
}

/// The reply to a `start`, with short heartbeats and two requests in flight.
pub(crate) fn started(id: u32) -> Value {
    json!({ "id": id, "ok": { "started": {
        "session": {
            "id": SESSION,
            "user": { "username": "ann", "guest": true },
            "instance": "instance-1",
            "state": "established",
            "expires_at_ms": 1_000,
        },
        "access_token": "token-1", "scopes": ["join"],
        "resume": { "secret": "secret-1", "window_ms": 30_000 },
        "heartbeat": {
            "interval_ms": 25_000, "timeout_ms": 10_000,
            "room_interval_ms": 10_000, "room_timeout_ms": 5_000,
        },
        "limits": {
            "message_in_bytes": 65_536, "message_out_bytes": 262_144, "in_flight": 2,
            "commands_per_s": 50, "commands_burst": 100, "rooms": 100, "streams_per_participant": 8,
        },
        "server": { "node": "n1", "version": "0", "time_ms": 1 },
    } } })
}

/// A push that only differs in its number.
pub(crate) fn degraded(seq: u64) -> Value {
    json!({ "seq": seq, "degraded": { "active": true } })
}

/// The reply to a `resume`, with the number of replayed frames, the pending requests and the new secret.
pub(crate) fn resumed(id: u32, replayed: u32, pending: &[u32], secret: &str) -> Value {
    json!({ "id": id, "ok": { "resumed": {
        "replayed_count": replayed, "pending": pending, "state": "established", "expires_at_ms": 3,
        "resume": { "secret": secret }, "scopes": ["join"], "rooms": [],
    } } })
}

/// The reply to a `join` of an empty room.
pub(crate) fn joined(id: u32, seq: u64) -> Value {
    let own = json!({
        "id": SESSION, "username": "ann", "role": "publisher", "link": "live", "mute_locked": false,
    });
    let all = json!({ "publish": true, "subscribe": true, "signal": true, "moderate": false });
    let room = json!({
        "version": 1, "participants": [own], "streams": [], "locked": false,
        "counts": { "participants": 1, "publishers": 0, "streams": 0 },
        "mute": { "active": false, "lock": false },
    });
    json!({ "id": id, "seq": seq, "ok": { "joined": {
        "participant": own, "capabilities": all, "room": room,
    } } })
}
