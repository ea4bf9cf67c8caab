//! Users and their sessions: start, resume, and what operators do to them.

mod resume;
mod start;
mod users;

pub use resume::Resumption;
pub use start::Established;
