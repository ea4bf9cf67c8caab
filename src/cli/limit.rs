//! The `--limit` option of lists.

use clap::Args;

/// Rows of a list by default.
const DEFAULT_ROWS: usize = 100;

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Limit {
    /// Maximum number of rows.
    #[arg(long = "limit", value_name = "ROWS", default_value_t = DEFAULT_ROWS, value_parser = rows)]
    pub(super) rows: usize,
}

fn rows(text: &str) -> Result<usize, String> {
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.ok_or_else(|| "expected a number of rows of at least 1".to_owned())
}
