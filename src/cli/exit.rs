//! The exit codes of the process.

use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: success; a gateway drained in time.
    Success,
    /// 1: failure: a port is in use, the store cannot be opened, the gateway failed or rejected the call.
    Failure,
    /// 2: invalid arguments, environment or configuration file.
    UsageError,
}

impl Exit {
    /// The exit code that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::UsageError => 2, // What clap exits with for arguments it does not know.
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
