//! Output to stdout and stderr, and the exit code.
//!
//! Invariant: a closed pipe is not a failure, and no output macro that panics on one is used.

use std::fmt::Display;
use std::io::{self, Write as _};

use super::exit::Exit;
use super::failure::Failure;
use super::table::printable;

/// Prints the failure, if any, and returns the exit code.
pub(super) fn finish(result: Result<Exit, Failure>) -> Exit {
    match result {
        Ok(exit) => exit,
        // The reader closed the pipe.
        Err(failure) if failure.is_closed_pipe() => Exit::Success,
        Err(failure) => {
            print_error(&failure);
            failure.exit()
        }
    }
}

/// Prints `text`, which ends with a newline. A closed pipe is not a failure.
pub(super) fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    finish(printed.map(|()| Exit::Success).map_err(Failure::Print))
}

/// Prints an error to stderr, each of its lines with the name of the program.
pub fn print_error(error: &dyn Display) {
    for line in error.to_string().lines() {
        // A failed write to stderr cannot be reported.
        let _ = writeln!(io::stderr(), "stagedoor: {}", printable(line));
    }
}
