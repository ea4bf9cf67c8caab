//! Renews the reference at the end of `docs/configuration.md`: `cargo run --example configuration`.

use std::fs;

use stagedoor::config::with_reference;

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let page = fs::read_to_string(path)?;
    fs::write(path, with_reference(&page))
}
