//! Rules between values.

/// A violated rule between values.
#[derive(Debug)]
pub(super) struct RuleViolation {
    /// The key of the invalid value. If it is not set, the error names the table that it is missing from.
    pub(super) key: String,
    pub(super) found: String,
    pub(super) allowed: String,
}

impl RuleViolation {
    pub(super) fn new(
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), found: found.into(), allowed: allowed.into() }
    }

    /// Prefixes the key with `table`.
    pub(super) fn inside(self, table: &str) -> Self {
        let dot = if self.key.is_empty() { "" } else { "." };
        Self { key: format!("{table}{dot}{}", self.key), ..self }
    }
}
