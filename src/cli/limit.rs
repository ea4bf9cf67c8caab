//! How long a list is.

use clap::Args;

/// Rows a list shows unless it is told otherwise.
const LISTED: usize = 100;

/// How many rows are wanted; a list says when there are more.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Limit {
    /// At most so many.
    #[arg(long = "limit", value_name = "ROWS", default_value_t = LISTED, value_parser = rows)]
    pub(super) rows: usize,
}

fn rows(text: &str) -> Result<usize, String> {
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.ok_or_else(|| "expected a number of rows, 1 at the least".to_owned())
}
