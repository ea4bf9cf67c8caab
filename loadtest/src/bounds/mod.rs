//! The figures of one gateway program: each on a process of its own, with the default limits unless the figure says so.
//!
//! A flood runs on a thread of its own, so that it shares no thread with the logins that are measured beside it.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod cost;
pub(crate) mod flood;
pub(crate) mod hook;
pub(crate) mod logins;
pub(crate) mod memory;
pub(crate) mod stage;
pub(crate) mod unread;
