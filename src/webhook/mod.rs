//! Telling an app's servers what happens: events as messages in the store, and their delivery.
//!
//! [`Webhooks`] of an app takes its [`Event`]s and keeps a message for each endpoint that wants them; one
//! [`Dispatcher`] delivers the messages of all apps, and counts those there are for the metrics. At least once, in no
//! order: a message is gone from the store only when its endpoint was told, and what a process could not deliver the next
//! one does.
//! Invariants: an app without endpoints costs nothing and writes nothing; an endpoint that hangs holds up nobody but
//! itself; whatever it answers, no more than a few KiB are read, and no redirect is followed.
//! Not here: which facts are events (`hub`), the calls' addresses and signatures (`outbound`), the table (`store`).

mod attempt;
mod backlog;
mod dispatch;
mod endpoint;
mod event;
mod lane;
mod schedule;
mod webhooks;

pub use dispatch::Dispatcher;
pub use endpoint::{Endpoint, EndpointError, EndpointHealth};
pub use event::Event;
pub use schedule::{DEAD_LETTERS_KEPT, FIRST_RETRY, GIVE_UP_AFTER, LONGEST_RETRY};
pub use webhooks::{Bell, MAX_MESSAGES, QueuedMessages, ReplayRefused, Webhooks};
