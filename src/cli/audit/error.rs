//! Why an audit log was not read.

use std::io;

use crate::cli::failure::Failure;
use crate::store::StoreError;

/// Why a log was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuditError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{file}: there is no audit log of app {app:?}; there are: {known}")]
    NoLog { file: String, app: String, known: String },
    #[error(transparent)]
    Gateway(#[from] Failure),
    #[error("the gateway's answer was cut off, or is none of an audit log")]
    CutOff,
    #[error("cannot print it: {0}")]
    Print(#[from] io::Error),
}
