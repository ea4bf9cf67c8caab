//! Async client of the Stagedoor session gateway.
//!
//! [`Client::builder`] starts a session (or takes one up again) and hands out two things: a [`Session`], a cheap handle
//! that sends requests, and [`Events`], the bounded stream of what happens. [`Session::join`] gives a [`Room`]: its
//! commands, and a [`RoomView`] that is kept up to date.
//!
//! One task a session keeps it alive over lost connections: it waits with jitter ([`Backoff`]), resumes, and has each
//! missed frame handed on once and in order; requests wait and are answered, none is carried out twice. Where the
//! session is gone it starts a new one and joins its rooms again ([`Event::Restarted`]), and a request that may have
//! been carried out, and may not be twice, fails with [`RequestError::Interrupted`]; where the gateway says stop, or
//! needs credentials that no [`CredentialsProvider`] has, it ends with [`Event::Ended`]. It goes on trying for as long
//! as it is held: [`Session::detach`] drops it.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use stagedoor_client::{Client, Event, proto::Push};
//!
//! let (session, mut events) = Client::builder("wss://gateway.example.com/v1/connect")
//!     .app("demo")
//!     .username("ann".parse()?)
//!     .connect()
//!     .await?;
//! let room = session.join("lobby".parse()?, None, None).await?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Push { push, .. } if matches!(*push, Push::ParticipantJoined(_)) => {
//!             println!("{} here", room.view().counts.participants);
//!         }
//!         Event::Suspended { retry_after, .. } => println!("back in {retry_after:?}"),
//!         Event::Ended(ending) => println!("out: {:?}", ending.action()),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Wire`] is the same socket without any of that, for tests that send what no client should.
//! `wss://` needs the feature `tls`, which is on unless switched off.

#![warn(missing_docs)]

mod backoff;
mod builder;
mod comeback;
mod connection;
mod dial;
mod disconnected;
mod ending;
mod error;
mod event;
mod handshake;
mod known;
mod link;
mod moderate;
mod opener;
mod provider;
mod random;
mod reconnect;
mod rejoin;
mod repeat;
mod room;
mod rooms;
mod sequence;
mod session;
mod silence;
mod stream;
mod task;
mod ticket;
mod tls;
mod view;
mod waiting;
mod wire;

pub use backoff::Backoff;
pub use builder::{Client, ClientBuilder};
pub use disconnected::{Cause, Disconnected};
pub use ending::Ending;
pub use error::{ConnectError, DialError, RequestError, WireError};
pub use event::{Event, Events};
pub use provider::{CredentialsProvider, Renewal};
pub use room::Room;
pub use sequence::FrameCounts;
pub use session::Session;
pub use stagedoor_proto as proto;
pub use stream::OwnStream;
pub use ticket::Ticket;
pub use view::{RoomView, Standing};
pub use wire::{Cut, Frame, Wire};
