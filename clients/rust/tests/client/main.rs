//! The client against a gateway that follows a script.

mod gateway;
mod session;
mod wire;
