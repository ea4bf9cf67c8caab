//! One session, as a pure machine: states, numbered frames, the life of its token, its resume secret, its bounds.
//!
//! Input and `now` come in, frames and a `disconnect` go out; there is no I/O, no clock and no async here. The `hub`
//! owns each [`Session`] behind a lock, `transport` writes its frames.
//!
//! Invariants: `seq` grows by one with each frame; a session that ended never lives again; what an older generation
//! reports changes nothing. Not here: who may come in (`auth`), which session of a user stays (`hub`).

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
    AdmissionError, Establishing, HandshakePush, Inconsistent, MAX_SAVED_RING_BYTES, Output,
    RequestLimits, ResumeClaim, ResumeError, ResumeOutcome, SavedSession, Session, SessionSettings,
};
pub use ring::{Bodies, Body, RingLimits, RoomTag};
pub use secret::SecretHash;
