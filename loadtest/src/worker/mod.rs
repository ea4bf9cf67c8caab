//! A process that holds connections for its parent.
//!
//! Orders come as JSON lines on standard input, reports leave as JSON lines on standard output. The end of standard
//! input means that the parent is gone, and ends the worker too.
//! Not here: measuring the server, which is the parent's.

mod driver;
mod frame;
mod hold;
mod inbox;
mod member;
mod open;
pub(crate) mod protocol;
mod rooms;

pub(crate) use driver::SIGNIFICANT_DIGITS;
pub(crate) use driver::run;
pub(crate) use frame::{Opcode, parse, server_text};
pub(crate) use open::{ACCEPT, KEY};
