//! `completions`: what a shell needs to complete the arguments.

use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::connection::finish;
use super::failure::Failure;
use super::{Cli, Exit};

/// Prints a shell's completions.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Exit {
        // Made first and printed then: a closed pipe is no reason to panic.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "stagedoor", &mut script);
        let printed = io::stdout().write_all(&script);
        finish(printed.map(|()| Exit::Success).map_err(Failure::Print))
    }
}
