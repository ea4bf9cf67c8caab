//! A gateway to test against, and a client that hides nothing.
//!
//! The gateway runs in the test's process, on port 0, with a clock the test may move. Nothing here waits for time: a
//! test waits for what it expects to hear.

mod api;
mod client;
mod documented;
mod faulty_store;
mod gateway;
mod house;
mod log;
mod people;
mod program;
pub mod proxy;
pub mod raw;
mod survivor;

pub use client::{Client, Closed, start_of};
pub use documented::assert_documented;
pub use faulty_store::{FailingRepetition, Faults, SlowWrites};
pub use gateway::{Gateway, SECRET, SERVER_KEY, Setup, trust_proxies};
pub use house::House;
pub use log::Log;
pub use people::Person;
pub use program::{Program, stagedoor};
pub use survivor::Survivor;
