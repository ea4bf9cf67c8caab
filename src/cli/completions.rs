//! `completions`: prints a shell's completion script.

use clap::{Args, Command};
use clap_complete::Shell;

use super::exit::Exit;
use super::output::print;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, command: &mut Command) -> Exit {
        // Generated into memory first: the generator panics when it writes to a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "stagedoor", &mut script);
        print(&String::from_utf8(script).expect("a script is a text"))
    }
}
