//! The exit codes of the process.

use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was asked to; a gateway stopped in order.
    Success,
    /// 1: it could not: a port is taken, the store cannot be opened, the gateway failed.
    Failure,
    /// 2: it was asked for something that makes no sense: arguments, or a configuration file.
    UsageError,
}

impl Exit {
    /// The number the shell sees.
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
