//! `[engine]`: what connects several nodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What connects several nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The engine in use.
    #[serde(default)]
    pub kind: EngineKind,
}

/// The engine in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// One node.
    #[default]
    Local,
}
