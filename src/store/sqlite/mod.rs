//! The embedded store: one `SQLite` file, one thread that owns the connection, one commit for all queued calls.
//!
//! A call is a function of the connection with a typed result; `writer` runs it. Checks of sessions that have just
//! started are answered by `recent`, without it. To add a call, write its function in the file of its subject, and the
//! method in `store`. To add a table, add a file to `migrations/sqlite` and a line to `open`.
//! Invariant: only the writer's thread of the process that holds the `lock` writes a store. `open_audit_log` reads it
//! while no gateway runs, `backup` at any time.

mod admit;
mod app_revocations;
mod archive;
mod audit;
mod audit_log;
mod backup;
mod blocks;
mod check;
mod created;
mod guests;
mod handoff;
mod keys;
mod lock;
mod migrate;
mod open;
mod outbox;
mod outbox_calls;
mod private_file;
mod recent;
mod rooms;
mod sessions;
mod sizes;
mod store;
mod synced;
mod users;
mod value;
mod writer;

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod recent_tests;
#[cfg(test)]
mod tests;

pub use audit_log::open_audit_log;
pub use backup::backup;
pub use store::SqliteStore;
