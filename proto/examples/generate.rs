//! Writes `schema/`: the JSON Schema and the TypeScript types of every message.
//!
//! Run it after a change of the wire types: `cargo run -p stagedoor-proto --features schema --example generate`.

use std::path::Path;

use stagedoor_proto::schema;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("stagedoor.v1.schema.json"), schema::json_schema_text())?;
    std::fs::write(folder.join("stagedoor.v1.d.ts"), schema::typescript_text())
}
