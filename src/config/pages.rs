//! `[pages]`: the web pages that the gateway serves itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The web pages that the gateway serves itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pages {
    /// The app whose page `/demo`, chat and video, is served on `listen`. Without it the page is not served.
    pub demo: Option<String>,
}
