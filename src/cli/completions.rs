//! `completions`: what a shell needs to complete the arguments.

use clap::{Args, Command};
use clap_complete::Shell;

use super::exit::Exit;
use super::output::print;

/// Prints a shell's completions.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    /// Prints the completions of `command`, which is all of the command line.
    pub(super) fn run(self, command: &mut Command) -> Exit {
        // Made first and printed then: whoever makes it panics at a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "stagedoor", &mut script);
        print(&String::from_utf8(script).expect("a script is a text"))
    }
}
