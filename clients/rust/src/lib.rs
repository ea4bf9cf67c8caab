//! Async client of the Stagedoor session gateway.
//!
//! [`Client::builder`] starts a session (or takes one up again) and hands out two things: a [`Session`], a cheap handle
//! that sends requests, and [`Events`], the bounded stream of what the gateway says unasked. One task a connection owns
//! the socket; it ends with [`Event::Disconnected`], or when both the handles and the events are gone.
//! [`Session::join`] gives a [`Room`]: its commands, and a [`RoomView`] that is kept up to date.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use stagedoor_client::{Client, Event};
//!
//! let (session, mut events) = Client::builder("ws://127.0.0.1:7080/v1/connect")
//!     .app("demo")
//!     .username("ann".parse()?)
//!     .connect()
//!     .await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Disconnected(end) = event {
//!         println!("{} is out: {:?}", session.id(), end.action());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Wire`] is the same socket without any of that, for tests that send what no client should.
//! Not here: TLS (`ws://` only), and reconnecting by itself: a lost session is resumed with its [`Ticket`].

mod builder;
mod connection;
mod dial;
mod error;
mod event;
mod handshake;
mod moderate;
mod room;
mod rooms;
mod sequence;
mod session;
mod silence;
mod stream;
mod view;
mod waiting;
mod wire;

pub use builder::{Client, ClientBuilder};
pub use error::{ConnectError, DialError, RequestError, WireError};
pub use event::{Cause, Disconnected, Event, Events};
pub use room::Room;
pub use sequence::FrameCounts;
pub use session::{Session, Ticket};
pub use stagedoor_proto as proto;
pub use stream::OwnStream;
pub use view::{RoomView, Standing};
pub use wire::{Cut, Frame, Wire};
