//! The component schemas of the document: those of requests and those of responses.
//!
//! They differ for one type: a field that a caller may leave out can be one that the gateway always sends.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::portable;

/// Generators of component schemas.
pub(super) struct Schemas {
    pub(super) requests: SchemaGenerator,
    pub(super) responses: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let responses = settings.clone().for_serialize();
        Self {
            requests: SchemaGenerator::from(settings),
            responses: SchemaGenerator::from(responses),
        }
    }

    /// The portable schemas by name.
    pub(super) fn into_definitions(mut self) -> Map<String, Value> {
        let mut definitions = portable::definitions(self.requests.take_definitions(true));
        for (name, schema) in portable::definitions(self.responses.take_definitions(true)) {
            portable::insert(&mut definitions, name, schema);
        }
        definitions
    }
}
