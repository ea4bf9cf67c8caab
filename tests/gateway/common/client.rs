//! A client that sends what a test gives it and hides nothing of what it receives.

use serde_json::{Value, json};
use stagedoor_client::{Frame, SocketClose, Wire};

use super::Gateway;

/// One WebSocket.
pub struct Client {
    wire: Wire,
    next_id: u32,
    /// The highest `seq` heard.
    pub last_seq: u64,
}

/// How a connection ended: what was said, and how it was closed.
#[derive(Debug)]
pub struct Closed {
    /// The messages before the close, `disconnect` aside.
    pub before: Vec<Value>,
    /// The `disconnect` message.
    pub disconnect: Value,
    /// The close frame's code.
    pub code: u16,
    /// The close frame's reason.
    pub reason: String,
}

/// A start as a guest.
pub fn start_of(username: &str, instance: &str) -> Value {
    json!({ "app": "demo", "username": username, "instance": instance, "credentials": { "guest": {} },
            "client": { "name": "test", "version": "1" } })
}

impl Client {
    /// A connection that has said nothing yet.
    pub async fn connect(gateway: &Gateway) -> Self {
        Self::connect_with(gateway, &[]).await
    }

    pub async fn connect_with(gateway: &Gateway, headers: &[(&str, &str)]) -> Self {
        Self::connect_to(&gateway.url(), headers).await
    }

    /// A connection of a client at this address, as a trusted proxy forwards it.
    pub async fn connect_from(gateway: &Gateway, address: &str) -> Self {
        Self::connect_with(gateway, &[("X-Forwarded-For", address)]).await
    }

    /// A connection to a gateway that is not this process's.
    pub async fn connect_to(url: &str, headers: &[(&str, &str)]) -> Self {
        let wire = Wire::connect(url, headers).await.unwrap();
        Self { wire, next_id: 1, last_seq: 0 }
    }

    /// A connection, where the handshake succeeds.
    pub async fn try_connect_to(url: &str) -> Option<Self> {
        let wire = Wire::connect(url, &[]).await.ok()?;
        Some(Self { wire, next_id: 1, last_seq: 0 })
    }

    /// A guest's session, established. Also what `started` said.
    pub async fn guest(gateway: &Gateway, username: &str, instance: &str) -> (Self, Value) {
        Self::start(gateway, start_of(username, instance)).await
    }

    /// A session established by this `start`. Also what `started` said.
    pub async fn start(gateway: &Gateway, start: Value) -> (Self, Value) {
        let mut client = Self::connect(gateway).await;
        let started = client.establish(start).await;
        (client, started)
    }

    /// Establishes a session by this `start`; what `started` said.
    pub async fn establish(&mut self, start: Value) -> Value {
        self.send(json!({ "id": 0, "start": start })).await;
        let mut started = Value::Null;
        loop {
            let message = self.hear().await;
            if let Some(ok) = message.pointer("/ok/started") {
                started = ok.clone();
            }
            assert!(message.get("disconnect").is_none(), "refused: {message}");
            if message.pointer("/session_state/state") == Some(&json!("established")) {
                return started;
            }
        }
    }

    /// Takes a session up; what `resumed` said comes with it.
    pub async fn resume(gateway: &Gateway, started: &Value, last_seq: u64) -> (Self, Value) {
        let mut client = Self::connect(gateway).await;
        client.send(resume_of(started, last_seq)).await;
        let reply = client.hear().await;
        let resumed = reply.pointer("/ok/resumed").unwrap_or_else(|| panic!("refused: {reply}"));
        (client, resumed.clone())
    }

    /// What is refused when this is the first message.
    pub async fn refused(gateway: &Gateway, first: Value) -> Closed {
        let mut client = Self::connect(gateway).await;
        client.send(first).await;
        client.closed().await
    }

    /// What a refused resume comes to.
    pub async fn resume_refused(gateway: &Gateway, started: &Value, last_seq: u64) -> Closed {
        Self::refused(gateway, resume_of(started, last_seq)).await
    }

    pub async fn send(&mut self, message: Value) {
        self.wire.send_text(message.to_string()).await.unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.wire.send_text(text).await.unwrap();
    }

    /// Raw bytes on the socket.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.wire.send_raw(bytes).await.unwrap();
    }

    /// Sends a command and waits for its reply, passing over what else comes: `Ok` is its `ok`, `Err` its `error`.
    pub async fn request(&mut self, name: &str, body: Value) -> Result<Value, Value> {
        let id = self.begin(name, body).await;
        self.reply(id).await
    }

    /// Sends a command; its number.
    pub async fn begin(&mut self, name: &str, body: Value) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({ "id": id });
        message[name] = body;
        self.send(message).await;
        id
    }

    /// Waits for the reply to request `id`, passing over what else comes.
    pub async fn reply(&mut self, id: u32) -> Result<Value, Value> {
        loop {
            let message = self.hear().await;
            if message.get("id") == Some(&json!(id)) {
                return match message.get("ok") {
                    Some(ok) => Ok(ok.clone()),
                    None => Err(message["error"].clone()),
                };
            }
        }
    }

    /// The next message; a close is a failure.
    pub async fn hear(&mut self) -> Value {
        match self.wire.recv().await {
            Frame::Text(text) => self.note(&text),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// The next message as its text; a close is a failure.
    pub async fn hear_text(&mut self) -> String {
        match self.wire.recv().await {
            Frame::Text(text) => text,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// The next message, or `None` when the connection is closed or lost.
    pub async fn try_hear(&mut self) -> Option<Value> {
        match self.wire.recv().await {
            Frame::Text(text) => Some(self.note(&text)),
            Frame::Binary(_) | Frame::Close(..) | Frame::Lost => None,
        }
    }

    /// The next push of this name, passing over what else comes.
    pub async fn push(&mut self, name: &str) -> Value {
        loop {
            let message = self.hear().await;
            if let Some(push) = message.get(name) {
                return push.clone();
            }
        }
    }

    /// Waits for the close; it must be preceded by a `disconnect`.
    pub async fn closed(&mut self) -> Closed {
        let (mut before, mut disconnect) = (Vec::new(), Value::Null);
        loop {
            match self.wire.recv().await {
                Frame::Text(text) => {
                    let message = self.note(&text);
                    match message.get("disconnect") {
                        Some(received) => disconnect = received.clone(),
                        None => before.push(message),
                    }
                }
                Frame::Close(code, reason) => {
                    assert_eq!(
                        disconnect["code"],
                        json!(code),
                        "the close frame repeats the disconnect"
                    );
                    return Closed { before, disconnect, code, reason };
                }
                other => panic!("expected a close, got {other:?} after {before:?} {disconnect}"),
            }
        }
    }

    /// Waits until the socket is gone; the code of the `disconnect` before that, where there was one.
    pub async fn closed_or_lost(&mut self) -> Option<u64> {
        let mut code = None;
        while let Some(message) = self.try_hear().await {
            code = message.pointer("/disconnect/code").and_then(Value::as_u64).or(code);
        }
        code
    }

    /// Waits for the result of a start; `Err` is the code of its `disconnect`.
    pub async fn start_result(&mut self) -> Result<(), u64> {
        let mut refused = None;
        while let Some(message) = self.try_hear().await {
            if message.pointer("/ok/started").is_some() {
                return Ok(());
            }
            refused = message.pointer("/disconnect/code").and_then(Value::as_u64).or(refused);
        }
        Err(refused.expect("a disconnect precedes the close"))
    }

    /// How the gateway ended the session; `None` if the session is live.
    pub async fn ending(&mut self) -> Option<u64> {
        let asked = self.begin("postpone_renewal", json!({})).await;
        loop {
            let message = self.try_hear().await.expect("a disconnect precedes the close");
            if message["id"] == json!(asked) {
                return None;
            }
            if let Some(code) = message.pointer("/disconnect/code") {
                return code.as_u64();
            }
        }
    }

    /// Waits until the socket is gone, however.
    pub async fn lost(&mut self) {
        while !matches!(self.wire.recv().await, Frame::Lost | Frame::Close(..)) {}
    }

    /// Cuts the connection without a word.
    pub async fn cut(self) {
        self.wire.cut(SocketClose::Reset).await;
    }

    /// Closes with 1000.
    pub async fn close(&mut self) {
        self.wire.close().await.unwrap();
    }

    fn note(&mut self, text: &str) -> Value {
        let message: Value = serde_json::from_str(text).unwrap();
        if let Some(seq) = message["seq"].as_u64() {
            assert!(seq > self.last_seq, "seq {seq} after {}: {text}", self.last_seq);
            self.last_seq = seq;
        }
        message
    }
}

fn resume_of(started: &Value, last_seq: u64) -> Value {
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    json!({ "id": 0, "resume": { "session": session, "secret": secret, "last_seq": last_seq } })
}
