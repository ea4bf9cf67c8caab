//! The plainest program that does the gateway's system calls, to compare the gateway with.

mod child;
mod rooms;
pub(crate) mod serve;

pub(crate) use child::{Floor, gateway_answer};
