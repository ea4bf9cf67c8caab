//! `[operator]`: who may do what concerns the whole node, and so no tenant alone.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::secret;

/// Whoever runs the node.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operator {
    /// Opens the calls of the server API that are about the node; without one, nothing does.
    #[serde(with = "secret::OperatorKey")]
    #[schemars(with = "secret::Optional")]
    pub key: Option<SecretString>,
}
