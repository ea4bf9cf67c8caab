//! A process that holds connections for its parent.
//!
//! Orders come as JSON lines on standard input, reports leave as JSON lines on standard output. The end of standard
//! input means that the parent is gone, and ends the worker too.
//! Not here: measuring the server, which is the parent's.

mod churn;
mod comeback;
pub(crate) mod counts;
mod driver;
mod frame;
mod hold;
mod inbox;
mod keys;
mod latency;
mod member;
mod open;
mod prepared;
pub(crate) mod protocol;
mod rooms;
mod signal;
mod steady;
mod takeover;

pub(crate) use driver::run;
pub(crate) use frame::{Opcode, PING, PONG, TEXT, client_frame, parse, server_text};
pub(crate) use hold::close;
pub(crate) use inbox::{Inbox, Kind, id_of};
pub(crate) use keys::Keys;
pub(crate) use latency::SIGNIFICANT_DIGITS;
pub(crate) use member::{pong, wall_us};
pub(crate) use open::{ACCEPT, KEY, Opened, connect, open, upgrade_request};
pub(crate) use signal::restamp;
