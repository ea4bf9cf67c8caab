//! `backup`: a copy of the store's file, while a gateway runs on it or not.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::connection::finish;
use super::failure::Failure;
use super::{Exit, complain};
use crate::config::Store as Place;
use crate::store;

/// Copies the durable facts to a new file.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The new file, which only its owner may read.
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// The directory durable facts are kept in.
    #[arg(long, value_name = "DIRECTORY", required_unless_present = "store")]
    data: Option<PathBuf>,
    /// The store's file itself: `store.sqlite.path` of the configuration.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    store: Option<PathBuf>,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Copies, and says how much.
    pub(super) fn run(self) -> Exit {
        let in_directory = self.data.as_deref().map(Place::in_directory);
        let path = match (in_directory, self.store) {
            (Some(Place::Sqlite { path }), _) => path,
            (Some(Place::Memory) | None, file) => {
                file.expect("clap asks for one of --data and --store")
            }
        };
        let bytes = match store::backup(&path, &self.to) {
            Ok(bytes) => bytes,
            Err(error) => {
                complain(&error);
                return Exit::Failure;
            }
        };
        let to = self.to.display().to_string();
        let mut out = io::stdout();
        let printed = if self.json {
            writeln!(out, "{}", json!({ "file": to, "bytes": bytes }))
        } else {
            writeln!(out, "{to}: {bytes} bytes, read back and whole")
        };
        finish(printed.map(|()| Exit::Success).map_err(Failure::Print))
    }
}
