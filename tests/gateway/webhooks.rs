//! Webhooks: what is delivered and how, to receivers that answer well, badly or not at all.

mod delivery;
mod events;
mod health;
mod outside;
mod receiver;
mod reload;
mod requests;

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::config::{EventFilter, WebhookEndpoint};

use crate::common::{Client, Gateway, SERVER_KEY, Setup};
use receiver::{Receiver, SECRETS, secret};

/// An endpoint `id` at `url`, on this machine, subscribed to all events.
fn endpoint_at(id: &str, url: String) -> WebhookEndpoint {
    WebhookEndpoint {
        id: id.into(),
        url,
        secrets: vec![secret(SECRETS[0])],
        events: EventFilter::default(),
        connection_data: false,
        allow_private: true,
        deadline: Duration::from_secs(5),
        max_concurrent: 4,
    }
}

/// The same for a receiver, subscribed to bans only: they come one at a time, when a test asks for them.
fn of_bans(id: &str, receiver: &Receiver) -> WebhookEndpoint {
    let events = EventFilter::of(&["user.banned"]).unwrap();
    WebhookEndpoint { events, ..endpoint_at(id, receiver.url()) }
}

fn setup(endpoints: Vec<WebhookEndpoint>) -> Setup {
    Setup::new().with(|config| config.apps[0].webhook_endpoints = endpoints)
}

impl Gateway {
    /// Bans a user, which is an event.
    async fn ban(&self, username: &str) {
        let answer = self.api("POST", &format!("users/{username}/ban"), Some(json!({}))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The stats of endpoint `id`, once they are as `wanted`.
    async fn endpoint_stats(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let looked = async {
            loop {
                let answer = self.api("GET", "webhooks", None).await;
                let endpoints = answer.body["endpoints"].as_array().unwrap();
                let own = endpoints.iter().find(|endpoint| endpoint["id"] == id).unwrap();
                if wanted(own) {
                    return own.clone();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), looked).await.expect("it comes to that")
    }

    /// Calls the server API as the request `id`.
    async fn calls(&self, id: &str, method: &str, path: &str, body: Value) {
        let bearer = format!("Bearer {SERVER_KEY}");
        let headers = [("authorization", &*bearer), ("x-request-id", id)];
        let answer = self.api_with(&headers, method, path, Some(body)).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
    }

    async fn dead_letters(&self, query: &str) -> Value {
        let answer = self.api("GET", &format!("webhooks/dead-letters{query}"), None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

/// A guest's session that ends by itself.
async fn come_and_go(gateway: &Gateway, username: &str) {
    let (mut client, _) = Client::guest(gateway, username, "instance-1").await;
    client.request("end", json!({})).await.unwrap();
}
