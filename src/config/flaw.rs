//! Rules between values.

/// A rule between values that does not hold.
#[derive(Debug)]
pub(super) struct Flaw {
    /// The key at fault; where it is not set, the error names the table it is missing from.
    pub(super) key: String,
    pub(super) found: String,
    pub(super) allowed: String,
}

impl Flaw {
    pub(super) fn new(
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), found: found.into(), allowed: allowed.into() }
    }

    /// The same flaw, whose key is one of `table`.
    pub(super) fn inside(self, table: &str) -> Self {
        let dot = if self.key.is_empty() { "" } else { "." };
        Self { key: format!("{table}{dot}{}", self.key), ..self }
    }
}
