//! The client: against a gateway that follows a script, and against the program itself.

mod comeback;
mod credentials;
mod cutting;
mod gateway;
mod program;
mod real;
mod session;
#[cfg(feature = "tls")]
mod tls;
mod wire;
