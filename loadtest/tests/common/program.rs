//! The gateway's program and its configuration.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const LOADTEST: &str = env!("CARGO_BIN_EXE_loadtest");

/// The configuration that the room scenarios expect.
pub(crate) fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway.toml")
}

/// The gateway's program, beside the load tester's own; built where tests of this package alone have not.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(LOADTEST).with_file_name("stagedoor");
        if !program.is_file() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--locked", "--package", "stagedoor", "--bin", "stagedoor"]);
            let done = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
            assert!(done.success() && program.is_file(), "the gateway was not built");
        }
        program
    })
}
