//! What every command prints, and how it ends.
//!
//! Invariant: a closed pipe is no failure, and nothing is printed by a macro that panics at one.

use std::fmt::Display;
use std::io::{self, Write as _};

use super::exit::Exit;
use super::failure::Failure;

/// Tells what went wrong, and how the process ends.
pub(super) fn finish(asked: Result<Exit, Failure>) -> Exit {
    match asked {
        Ok(exit) => exit,
        // Whoever reads it has had enough.
        Err(failure) if failure.is_closed_pipe() => Exit::Success,
        Err(failure) => {
            print_error(&failure);
            failure.exit()
        }
    }
}

/// Prints `text`, in which every line ends. A closed pipe is no failure: whoever reads has had enough.
pub(super) fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    finish(printed.map(|()| Exit::Success).map_err(Failure::Print))
}

/// Tells what went wrong in one line, if anybody still reads that.
pub fn print_error(error: &dyn Display) {
    // There is nobody left to tell that this failed.
    let _ = writeln!(io::stderr(), "stagedoor: {error}");
}
