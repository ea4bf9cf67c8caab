//! A client that outlives its connections and keeps the books on what it heard on all of them.

use serde_json::{Value, json};

use super::Client;

/// One session's client, over all its connections.
pub struct Survivor {
    /// Its newest connection, until that is lost.
    connection: Option<Client>,
    next_id: u32,
    last_seq: u64,
    /// What `started` said.
    pub started: Value,
    /// The newest resume secret it received.
    pub secret: Value,
    heard: Vec<Value>,
}

impl Survivor {
    /// Establishes a session by this `start`.
    pub async fn start(url: &str, start: Value) -> Self {
        let mut client = Client::connect_to(url, &[]).await;
        client.send(json!({ "id": 0, "start": start })).await;
        let mut survivor = Self {
            connection: Some(client),
            next_id: 1,
            last_seq: 0,
            started: Value::Null,
            secret: Value::Null,
            heard: Vec::new(),
        };
        while survivor.heard_of("session_state").len() < 2 {
            let message = survivor.hear().await;
            if let Some(started) = message.pointer("/ok/started") {
                survivor.started = started.clone();
            }
        }
        survivor
    }

    /// Sends a command; its number.
    pub async fn begin(&mut self, command: &str, body: Value) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({ "id": id });
        message[command] = body;
        self.client().send(message).await;
        id
    }

    /// Waits for a reply, unless it was heard already: `ok` or `error`.
    pub async fn reply(&mut self, id: u32) -> Value {
        while self.replies(id).is_empty() {
            self.hear().await;
        }
        self.replies(id).remove(0)
    }

    /// Sends a command that must succeed; what its reply says.
    pub async fn does(&mut self, command: &str, body: Value) -> Value {
        let id = self.begin(command, body).await;
        let reply = self.reply(id).await;
        assert!(reply.get("ok").is_some(), "{command}: {reply}");
        reply["ok"].clone()
    }

    /// Hears the next message.
    pub async fn hear(&mut self) -> Value {
        let message = self.client().hear().await;
        self.note(message.clone());
        message
    }

    /// Hears all there is until the connection is gone.
    pub async fn hear_out(&mut self) {
        while let Some(message) = self.client().try_hear().await {
            self.note(message);
        }
        self.connection = None;
    }

    /// Hears all that the gateway has said by now.
    pub async fn catch_up(&mut self) {
        // The answer to a question that changes nothing comes behind it.
        let id = self.begin("leave", json!({ "room": "nowhere" })).await;
        assert_eq!(self.reply(id).await["error"]["code"], "not_in_room");
    }

    /// Asks to resume on a new connection, with what it received before.
    pub async fn ask_back(&mut self, url: &str) {
        self.ask_back_with(url, json!({})).await;
    }

    /// As [`Survivor::ask_back`], keeping the older connection, which is returned.
    pub async fn replace(&mut self, url: &str) -> Client {
        let older = self.connection.take().expect("it is connected");
        self.ask_back(url).await;
        older
    }

    /// As [`Survivor::ask_back`], with more fields.
    pub async fn ask_back_with(&mut self, url: &str, mut resume: Value) {
        let mut client = Client::connect_to(url, &[]).await;
        client.last_seq = self.last_seq;
        resume["session"] = self.started["session"]["id"].clone();
        resume["secret"] = self.secret.clone();
        resume["last_seq"] = json!(self.last_seq);
        client.send(json!({ "id": 0, "resume": resume })).await;
        self.connection = Some(client);
    }

    /// Resumes: gets `resumed`, which it returns, and what that announces.
    pub async fn come_back(&mut self) -> Value {
        let reply = self.hear().await;
        let resumed = reply.pointer("/ok/resumed").unwrap_or_else(|| panic!("refused: {reply}"));
        for _ in 0..resumed["replayed_count"].as_u64().unwrap() {
            self.hear().await;
        }
        resumed.clone()
    }

    /// Resumes on a new connection, and gets what it missed.
    pub async fn resume(&mut self, url: &str) -> Value {
        self.ask_back(url).await;
        self.come_back().await
    }

    /// Loses its connection without a word.
    pub async fn cut(&mut self) {
        self.connection.take().expect("it is connected").cut().await;
    }

    /// Every reply to this request that was heard.
    pub fn replies(&self, id: u32) -> Vec<Value> {
        let replies = self.heard.iter().filter(|message| message.get("id") == Some(&json!(id)));
        replies.filter(|message| message.get("seq").is_some()).cloned().collect()
    }

    /// Every push of this name that was heard.
    pub fn heard_of(&self, name: &str) -> Vec<Value> {
        self.heard.iter().filter_map(|message| message.get(name)).cloned().collect()
    }

    /// Each number came once, in order, and none is missing.
    pub fn check_numbers(&self) {
        let seqs = self.heard.iter().filter_map(|message| message["seq"].as_u64());
        let seqs: Vec<u64> = seqs.collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "{:?}", self.heard);
    }

    fn client(&mut self) -> &mut Client {
        self.connection.as_mut().expect("it is connected")
    }

    fn note(&mut self, message: Value) {
        self.last_seq = message["seq"].as_u64().unwrap_or(self.last_seq);
        for opening in ["/ok/started/resume/secret", "/ok/resumed/resume/secret"] {
            self.secret = message.pointer(opening).unwrap_or(&self.secret).clone();
        }
        self.heard.push(message);
    }
}
