//! The embedded store: one `SQLite` file, one thread that owns the connection, one commit for all calls that wait.
//!
//! A call is a function of the connection with a typed answer; `writer` runs it. To add one: write the function in the
//! file of its subject, and the method in `store` that hands it over. To add a table: add a file to `migrations/sqlite`
//! and a line to `open`.
//! Invariant: a store is opened and written by the writer's thread of the one process that has its `lock`. An audit log
//! on its own and a `backup` read it, the first while no gateway runs.

mod admit;
mod archive;
mod audit;
mod audit_log;
mod backup;
mod blocks;
mod created;
mod handoff;
mod keys;
mod lock;
mod migrate;
mod open;
mod outbox;
mod outbox_calls;
mod private_file;
mod rooms;
mod sessions;
mod store;
mod synced;
mod users;
mod value;
mod writer;

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod tests;

pub use audit_log::open_audit_log;
pub use backup::backup;
pub use store::SqliteStore;
