//! The figures of one gateway program: each on a process of its own, with the default limits unless the figure says so.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod cost;
pub(crate) mod memory;
pub(crate) mod sizes;
pub(crate) mod stage;
pub(crate) mod unread;
