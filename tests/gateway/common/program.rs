//! The program itself, in a process of its own.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};

/// The program, with nothing of the test's environment.
pub fn stagedoor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stagedoor"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running program; it is killed with the test.
pub struct Program(Child);

impl Program {
    pub fn run(arguments: &[&str]) -> Self {
        let mut command = stagedoor();
        command.args(arguments);
        Self::start(command)
    }

    pub fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Sends it a signal, such as `-TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Deref for Program {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
