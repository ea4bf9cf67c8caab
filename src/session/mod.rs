//! One session, as a pure state machine: states, numbered frames, token expiry, resume secret, limits.
//!
//! Takes input and `now`, returns frames and a `disconnect`; it has no I/O, no clock and no async code. The `hub`
//! owns each [`Session`] behind a lock, `transport` writes its frames.
//!
//! Invariants: `seq` increases by one with each frame; an ended session never revives; reports of an older generation
//! have no effect. Not here: authentication (`auth`), and which session holds a client instance (`hub`).

#![deny(clippy::wildcard_enum_match_arm)]

mod expiry;
mod link;
mod machine;
mod requests;
mod ring;
mod secret;
mod state;
mod timer;

pub use expiry::ExpirySettings;
pub use link::Link;
pub use machine::{
    AdmissionError, ClockStep, ConnectionLoss, Establishing, HandshakePush, Inconsistent,
    MAX_SAVED_RING_BYTES, Output, ReplayRelief, RequestLimits, ResumeClaim, ResumeError,
    ResumeOutcome, SavedSession, Session, SessionSettings, has_headroom, reserve_reply,
};
pub use ring::{Bodies, Body, ReplayMemory, RingLimits, RingUsage, RoomTag};
pub use secret::SecretHash;
