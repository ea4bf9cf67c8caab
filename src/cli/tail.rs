//! `rooms tail`: prints what happens in a room, as one of its participants.
//!
//! It needs nothing that a backend does not have: the server API mints a session token, and the session joins the room
//! as a subscriber. It is therefore listed and counted there, and a locked or full room rejects it.

use std::io::{self, Write as _};
use std::num::NonZeroU64;

use clap::Args;
use reqwest::Url;
use serde_json::json;
use stagedoor_client::proto::{Credentials, Push, RoomId, Secret};
use stagedoor_client::{Client, Event, Events};

use super::api::{Api, Call};
use super::connection::Connection;
use super::exit::Exit;
use super::failure::{Failure, with_causes};
use super::lookup::explain_room;
use super::serve::stop_signal;
use super::table::printable_json;
use super::variables::{self, variable};

/// The user of the session: one, so that each run leaves no new user behind.
const USERNAME: &str = "stagedoor-tail";
const CONNECT_HELP: &str = "WebSocket URL of the clients' port [env: STAGEDOOR_CONNECT_URL] [default: /v1/connect at \
                            the server API, as in development mode]";
/// The path of the WebSocket.
const PATH: &str = "/v1/connect";
/// How long the token can start the session.
const TOKEN_MS: u64 = 60_000;

#[derive(Debug, Args)]
pub(super) struct Tail {
    /// Room id.
    room: RoomId,
    #[arg(long, value_name = "URL", help = CONNECT_HELP)]
    connect: Option<String>,
    /// End after this number of lines.
    #[arg(long, value_name = "LINES")]
    count: Option<NonZeroU64>,
}

impl Tail {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { room, connect, count } = self;
        connection.run(|api, _| {
            // A misspelled name must not open a room.
            explain_room(api, room.as_str(), api.call(Call::get(&["rooms", room.as_str()])))?;
            let token = mint(api, &room)?;
            let url = match connect.or_else(|| variable(variables::CONNECT_URL)) {
                Some(url) => url,
                None => websocket_url(&connection.url()?),
            };
            let client = Client::builder(url.clone()).app(connection.app());
            let username = USERNAME.parse().expect("it is a username");
            let client = client.username(username).credentials(Credentials::Token(token));
            let client = match connection.authorities_pem()? {
                Some(pem) => client.root_certificates(pem),
                None => client,
            };
            let failed = |reason: String| Failure::Listen { url: url.clone(), reason };
            api.block_on(async {
                let stop = stop_signal().map_err(Failure::Runtime)?;
                let (session, mut events) =
                    client.connect().await.map_err(|error| failed(with_causes(&error)))?;
                let joined = session.join(room, None, None).await;
                joined.map_err(|error| failed(error.to_string()))?;
                let limit = count.map_or(u64::MAX, NonZeroU64::get);
                let ended = tokio::select! {
                    biased;
                    () = stop => Ok(None),
                    ended = print_pushes(&mut events, limit) => ended,
                };
                // The room need not wait for the resume window to see that this participant left.
                let _ = session.end(true).await;
                ended?.map_or(Ok(()), |reason| Err(failed(reason)))
            })
        })
    }
}

/// A session token that can listen in the room, and nothing else.
fn mint(api: &Api, room: &RoomId) -> Result<Secret, Failure> {
    let body = json!({
        "username": USERNAME, "rooms": { room.as_str(): "subscriber" }, "scopes": ["join", "subscribe"],
        "for_ms": TOKEN_MS,
    });
    let mut minted = api.call(Call::post(&["sessions"], &body))?;
    let token = serde_json::from_value(minted["token"].take());
    token.map_err(|_| Failure::NotMinted)
}

/// The WebSocket on the port of the server API, which development mode has on one port.
fn websocket_url(api: &Url) -> String {
    let mut url = api.clone();
    let scheme = if api.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme).expect("both schemes have a host");
    url.set_path(PATH);
    url.into()
}

/// Prints up to `limit` pushes of the room, one a line. Returns why the session ended, if it did.
async fn print_pushes(events: &mut Events, limit: u64) -> io::Result<Option<String>> {
    let mut printed = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::Push { push, .. } if is_of_room(&push) => {
                let line = serde_json::to_string(&*push).expect("a push is JSON");
                let mut out = io::stdout().lock();
                writeln!(out, "{}", printable_json(&line))?;
                out.flush()?;
                printed += 1;
                if printed == limit {
                    return Ok(None);
                }
            }
            Event::Ended(ending) => {
                let reason = ending.disconnect().map(|disconnect| disconnect.reason.clone());
                return Ok(Some(reason.unwrap_or_else(|| "the session ended".to_owned())));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Whether a push is about the room and not about the session.
fn is_of_room(push: &Push) -> bool {
    !matches!(push, Push::SessionState(_) | Push::TokenExpiring(_) | Push::Degraded(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn websocket_is_on_the_port_of_the_server_api() {
        for (api, expected) in [
            ("http://127.0.0.1:7080", "ws://127.0.0.1:7080/v1/connect"),
            ("https://gateway.example.com/x", "wss://gateway.example.com/v1/connect"),
        ] {
            assert_eq!(websocket_url(&api.parse().unwrap()), expected);
        }
    }
}
