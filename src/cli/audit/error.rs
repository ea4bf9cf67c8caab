//! Errors of reading an audit log.

use std::io;

use crate::cli::failure::Failure;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub(super) enum AuditError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{file}: no audit log of app {app:?}; apps with a log: {known}")]
    NoLog { file: String, app: String, known: String },
    #[error(transparent)]
    Gateway(#[from] Failure),
    #[error("the gateway's answer is truncated or not an audit log")]
    CutOff,
    #[error("cannot write the output: {0}")]
    Print(#[from] io::Error),
}
