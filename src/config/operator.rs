//! `[operator]`: authentication of calls that affect the whole node rather than one app.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::secret;

/// Authentication of calls that affect the whole node.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operator {
    /// Key that authenticates `POST /api/v1/drain`, as `stagedoor drain` sends it. Without one that call is disabled.
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
