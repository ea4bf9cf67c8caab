//! Rules between values.

/// A violated rule between values.
#[derive(Debug)]
pub(super) struct RuleViolation {
    /// The key of the invalid value. If it is not set, the error names the table that it is missing from.
    pub(super) key: String,
    pub(super) found: String,
    pub(super) allowed: String,
    /// The keys whose values decide about the rule. Where one of them is invalid, nothing is known about the rule.
    pub(super) inputs: Vec<String>,
}

impl RuleViolation {
    pub(super) fn new(
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        let key = key.into();
        let inputs = vec![key.clone()];
        Self { key, found: found.into(), allowed: allowed.into(), inputs }
    }

    /// Adds the other keys whose values decide about the rule.
    pub(super) fn with_inputs<K: Into<String>>(
        mut self,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        self.inputs.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Prefixes the keys with `table`.
    pub(super) fn inside(self, table: &str) -> Self {
        let inside = |key: &str| {
            let dot = if key.is_empty() { "" } else { "." };
            format!("{table}{dot}{key}")
        };
        let inputs = self.inputs.iter().map(|key| inside(key)).collect();
        Self { key: inside(&self.key), inputs, ..self }
    }
}
