//! `backup`: a copy of the store's file, while a gateway runs on it or not.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::output::{print, print_error};
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
        let in_directory = self.data.as_deref().map(Place::file_in);
        let path = in_directory.or(self.store).expect("clap asks for one of --data and --store");
        let bytes = match store::backup(&path, &self.to) {
            Ok(bytes) => bytes,
            Err(error) => {
                print_error(&error);
                return Exit::Failure;
            }
        };
        let to = self.to.display().to_string();
        print(&if self.json {
            format!("{}\n", json!({ "file": to, "bytes": bytes }))
        } else {
            format!("{to}: {bytes} bytes, read back and whole\n")
        })
    }
}
