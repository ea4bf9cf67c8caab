//! Async client of the Stagedoor session gateway.
//!
//! [`Client::builder`] starts or resumes a session and returns two values: a [`Session`], a cheap handle that sends
//! requests, and [`Events`], a bounded stream of events. [`Session::join`] returns a [`Room`] with its commands and a
//! [`RoomView`] that follows the gateway.
//!
//! One task per session reconnects after lost connections: it waits with jitter ([`Backoff`]), resumes, and emits each
//! missed frame once and in order. Requests wait meanwhile, and none is executed twice. If the session cannot be
//! resumed, the task starts a new one and joins its rooms again ([`Event::Restarted`]). A request with an unknown
//! outcome that must not be repeated fails with [`RequestError::Interrupted`]. If the gateway says stop, or needs
//! credentials that no [`CredentialsProvider`] has, the task ends with [`Event::Ended`]. Otherwise it retries without
//! a limit; [`Session::detach`] stops it.
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
//! A program that signs users in and out has a [`SessionManager`]: it starts one session at a time, on its own through
//! a [`SessionLoader`], and lets the program observe the state and the connection. It keeps a [`ManagedRoom`] joined
//! over all its sessions. A [`SessionHandler`] decides how access tokens are renewed.
//!
//! [`Wire`] is the plain socket, for tests that send invalid messages.
//! `wss://` needs the feature `tls`, which is on by default.

#![warn(missing_docs)]

mod backoff;
mod builder;
mod connection;
mod connection_state;
mod connector;
mod dial;
mod disconnected;
mod ending;
mod error;
mod event;
mod handler;
mod handshake;
mod join_options;
mod link;
mod liveness;
mod loader;
mod managed_room;
mod manager;
mod moderate;
mod observer;
mod pending;
mod phase;
mod provider;
mod random;
mod reconnect;
mod reconnector;
mod record;
mod rejoin;
mod repeat;
mod room;
mod rooms;
mod sequence;
mod session;
mod start;
mod stream;
mod task;
mod ticket;
mod tls;
mod view;
mod wire;

pub use backoff::Backoff;
pub use builder::{Client, ClientBuilder};
pub use connection_state::{ConnectionObserver, ConnectionSnapshot, ConnectionStatus};
pub use disconnected::{Cause, Disconnected};
pub use ending::Ending;
pub use error::{ConnectError, DialError, RequestError, WireError};
pub use event::{Event, Events};
pub use handler::{AccessTokenRenewal, SessionHandler};
pub use join_options::{JoinOptions, RoomTokenSource};
pub use loader::{LoaderError, SessionLoader};
pub use managed_room::{JoinError, ManagedRoom, ManagedRoomSnapshot, ManagedRoomStatus};
pub use manager::SessionManager;
pub use observer::{Observer, SessionSnapshot, StateObserver};
pub use provider::{CredentialsProvider, Renewal};
pub use room::Room;
pub use sequence::FrameCounts;
pub use session::Session;
pub use stagedoor_proto as proto;
pub use start::{StartError, StartResult, StartWith};
pub use stream::OwnStream;
pub use ticket::Ticket;
pub use view::{MembershipState, RoomView};
pub use wire::{Frame, SocketClose, Wire};
