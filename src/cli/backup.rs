//! `backup`: copies the store's file. A gateway may be running on it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::output::{print, print_error};
use crate::config::Store as Place;
use crate::store;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// New file; only its owner may read it.
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// Data directory.
    #[arg(long, value_name = "DIRECTORY", required_unless_present = "store")]
    data: Option<PathBuf>,
    /// Store file (`store.sqlite.path` in the configuration).
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    store: Option<PathBuf>,
    /// Print a JSON line.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> Exit {
        let from_directory = self.data.as_deref().map(Place::file_in);
        let path = from_directory.or(self.store).expect("clap requires one of --data and --store");
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
            format!("{to}: {bytes} bytes, verified\n")
        })
    }
}
