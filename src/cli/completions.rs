//! `completions`: what a shell needs to complete the arguments.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Exit, print};

/// Prints a shell's completions.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Exit {
        // Made first and printed then: whoever makes it panics at a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "stagedoor", &mut script);
        print(&String::from_utf8(script).expect("a script is a text"))
    }
}
