//! Webhooks: stores events as messages and delivers them to an app's servers.
//!
//! [`Webhooks`] stores a message per subscribed endpoint for each [`Event`] of its app. One [`Dispatcher`] delivers the
//! messages of all apps and publishes the outbox metrics. Delivery is at least once, in no order: a message leaves the
//! store only after its endpoint accepted it.
//! Invariants: an app without endpoints writes nothing; a slow endpoint delays no other; at most a few KiB of a
//! response are read; redirects are not followed.
//! Not here: which changes are events (`hub`), address checks and signatures (`outbound`), the outbox table (`store`).

mod attempt;
mod backlog;
mod dispatch;
mod endpoint;
mod event;
mod queue;
mod schedule;
mod webhooks;

pub use dispatch::Dispatcher;
pub use endpoint::{Endpoint, EndpointError, EndpointHealth};
pub use event::Event;
pub use schedule::{
    DEAD_LETTER_AFTER, DEAD_LETTER_RETENTION, INITIAL_RETRY_DELAY, MAX_RETRY_DELAY,
};
pub use webhooks::{DispatchSignal, MAX_MESSAGES, QueuedMessages, ReplayError, Webhooks};
