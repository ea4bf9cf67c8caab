//! The Stagedoor gateway.
