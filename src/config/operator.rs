//! `[operator]`: who may do what concerns the whole node, and so no tenant alone.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::secret;

/// Whoever runs the node.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operator {
    /// Opens the calls of the server API that are about the node; without one, nothing does.
    #[serde(with = "secret::OperatorKey")]
    #[schemars(with = "secret::Optional")]
    pub api_key: Option<SecretString>,
}

impl Operator {
    pub(super) fn has_the_key_of(&self, other: &Self) -> bool {
        let of =
            |key: &Option<SecretString>| key.as_ref().map(|key| key.expose_secret().to_owned());
        of(&self.api_key) == of(&other.api_key)
    }
}
