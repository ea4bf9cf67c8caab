//! Prints the server API's `OpenAPI` document: `cargo run --example openapi > docs/openapi.json`.

fn main() {
    print!("{}", stagedoor::http::openapi_document());
}
