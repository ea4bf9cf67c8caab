//! People in the room `lobby`, and the tokens they come by.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::{Client, Gateway, SECRET, start_of};

/// A participant. Derefs to the client; unlike the client it keeps pushes while it waits for a reply.
pub struct Person {
    client: Client,
    backlog: VecDeque<Value>,
    /// What `started` said.
    pub started: Value,
    /// What `joined` said.
    pub joined: Value,
}

impl Gateway {
    /// A token of the app `demo`: these claims, and those that each token has.
    pub fn token(&self, claims: Value) -> String {
        let now = self.clock().wall().as_secs();
        let mut all = json!({ "iss": "demo", "aud": "stagedoor", "iat": now, "exp": now + 3_600 });
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        for (name, claim) in claims {
            all[name] = claim;
        }
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::default(), &all, &key).unwrap()
    }

    /// A room token for `lobby`.
    pub fn room_token(&self, role: &str) -> String {
        self.token(json!({ "scope": "room", "room": "lobby", "role": role }))
    }

    /// A guest in `lobby` by a room token.
    pub async fn enter(&self, username: &str, role: &str) -> Person {
        let token = self.room_token(role);
        self.enter_with(username, json!({ "room": "lobby", "token": token })).await
    }

    /// A moderator `host`, who was notified of it, and a publisher `ada` with a stream whose audio is on.
    pub async fn host_and_speaker(&self) -> (Person, Person, Value) {
        let mut host = self.enter("host", "moderator").await;
        let mut ada = self.enter("ada", "publisher").await;
        let stream = ada.publish().await["id"].clone();
        host.push("stream_published").await;
        (host, ada, stream)
    }

    /// A guest who joins like this.
    pub async fn enter_with(&self, username: &str, join: Value) -> Person {
        self.enter_on(username, &instance_of(username), join).await
    }

    /// A guest who joins like this, on an instance of its own.
    pub async fn enter_on(&self, username: &str, instance: &str, join: Value) -> Person {
        let (client, started) = Client::guest(self, username, instance).await;
        Person::join(client, started, join).await
    }

    /// A registered user with these claims beside its name, in `lobby`.
    pub async fn member(&self, username: &str, claims: Value) -> Person {
        let (client, started) = self.registered(username, &instance_of(username), claims).await;
        Person::join(client, started, json!({ "room": "lobby" })).await
    }

    /// A registered user's session, by a session token with these claims beside its name.
    pub async fn registered(
        &self,
        username: &str,
        instance: &str,
        mut claims: Value,
    ) -> (Client, Value) {
        (claims["scope"], claims["sub"]) = (json!("session"), json!(username));
        let mut start = start_of(username, instance);
        start["credentials"] = json!({ "token": self.token(claims) });
        Client::start(self, start).await
    }
}

impl Gateway {
    /// The registered user of the session in `started`.
    pub async fn continued(&self, started: &Value, username: &str) -> Client {
        let claims = json!({ "scope": "session", "sub": username, "rooms": { "*": "publisher" } });
        let mut start = start_of(username, &instance_of(username));
        start["credentials"] = json!({ "token": self.token(claims) });
        start["previous"] = json!({
            "session": started["session"]["id"], "secret": started["resume"]["secret"],
        });
        Client::start(self, start).await.0
    }
}

impl Person {
    /// Takes a session into a room.
    pub async fn join(mut client: Client, started: Value, join: Value) -> Self {
        let joined = client.request("join", join).await.unwrap()["joined"].clone();
        Self { client, backlog: VecDeque::new(), started, joined }
    }

    /// Its participant's id.
    pub fn id(&self) -> Value {
        self.joined["participant"]["id"].clone()
    }

    /// Publishes a camera with its audio on; the stream as the gateway announced it.
    pub async fn publish(&mut self) -> Value {
        let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
        let body = json!({ "room": "lobby", "stream": stream });
        self.request("publish", body).await.unwrap()["published"]["stream"].clone()
    }

    /// Sends a command and waits for its reply: `Ok` is its `ok`, `Err` its `error`.
    pub async fn request(&mut self, command: &str, body: Value) -> Result<Value, Value> {
        let id = self.client.begin(command, body).await;
        loop {
            let mut message = self.client.hear().await;
            if message.get("id") != Some(&json!(id)) {
                self.backlog.push_back(message);
            } else if message.get("ok").is_some() {
                return Ok(message["ok"].take());
            } else {
                return Err(message["error"].take());
            }
        }
    }

    /// The next message of any kind.
    pub async fn hear(&mut self) -> Value {
        self.client.hear().await
    }

    /// The next push of this name, passing over what else comes.
    pub async fn push(&mut self, name: &str) -> Value {
        loop {
            let mut message = match self.backlog.pop_front() {
                Some(message) => message,
                None => self.client.hear().await,
            };
            if message.get(name).is_some() {
                return message[name].take();
            }
        }
    }

    /// The next receipt of a command that is durable.
    pub async fn durable_receipt(&mut self) -> Value {
        loop {
            let receipt = self.push("moderation").await;
            if receipt["durable"] == true {
                return receipt;
            }
        }
    }

    /// Does what must succeed.
    pub async fn does(&mut self, command: &str, body: Value) -> Value {
        match self.request(command, body.clone()).await {
            Ok(ok) => ok,
            Err(error) => panic!("{command} {body}: {error}"),
        }
    }

    /// Asks for what must be refused; the error's code.
    pub async fn fails(&mut self, command: &str, body: Value) -> String {
        match self.request(command, body.clone()).await {
            Ok(ok) => panic!("{command} {body}: {ok}"),
            Err(error) => error["code"].as_str().unwrap().to_owned(),
        }
    }

    /// All pushes received by now, by their names.
    pub async fn received(&mut self) -> Vec<(String, Value)> {
        // The answer to a question that changes nothing comes behind them.
        assert_eq!(self.fails("leave", json!({ "room": "nowhere" })).await, "not_in_room");
        let mut received = Vec::new();
        for message in self.backlog.drain(..) {
            let Value::Object(message) = message else { panic!("a message is an object") };
            received.extend(message.into_iter().filter(|(name, _)| name != "seq"));
        }
        received
    }

    /// What of that is of one name.
    pub async fn received_of(&mut self, name: &str) -> Vec<Value> {
        let received = self.received().await.into_iter().filter(|(received, _)| received == name);
        received.map(|(_, push)| push).collect()
    }

    /// Loses its connection without a word; what is needed to resume.
    pub async fn cut(self) -> (Value, u64) {
        let last_seq = self.client.last_seq;
        self.client.cut().await;
        (self.started, last_seq)
    }

    /// Hears that it is to come back; what is needed to resume.
    pub async fn disconnected(mut self) -> (Value, u64) {
        assert_eq!(self.client.closed().await.code, 4200);
        (self.started, self.client.last_seq)
    }

    /// Takes a session up again that was cut.
    pub async fn resume(gateway: &Gateway, cut: (Value, u64)) -> Self {
        let (started, last_seq) = cut;
        let (mut client, _) = Client::resume(gateway, &started, last_seq).await;
        client.last_seq = last_seq;
        Self { client, backlog: VecDeque::new(), started, joined: Value::Null }
    }

    /// The client alone.
    pub fn into_client(self) -> Client {
        self.client
    }
}

impl Deref for Person {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Person {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// The default instance of a user.
fn instance_of(username: &str) -> String {
    format!("instance-of-{username}")
}
