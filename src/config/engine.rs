//! `[engine]`: what nodes share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What nodes share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Which one.
    #[serde(default)]
    pub kind: EngineKind,
}

/// The engines there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// One node, which shares nothing.
    #[default]
    Local,
}
