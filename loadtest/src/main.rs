//! Load scenarios.
fn main() {}
