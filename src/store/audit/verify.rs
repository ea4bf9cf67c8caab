//! Verifies a log.
//!
//! Reports the first error only: no later row can be trusted.

use super::chain::{AuditHash, AuditKey, ChainHead};

/// A stored row, which may have been tampered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// The number it is stored at.
    pub number: u64,
    /// The event's stored bytes.
    pub event: Box<[u8]>,
    /// The stored hash.
    pub hash: AuditHash,
}

/// A log without errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedLog {
    /// Its head, to be saved elsewhere.
    pub head: ChainHead,
}

/// The first error of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tampered {
    /// The row's hash does not match its event.
    #[error("row {number} does not match its hash")]
    Changed { number: u64 },
    /// Rows are missing before later ones.
    #[error("row {number} is missing")]
    Missing {
        /// The first missing row.
        number: u64,
    },
    /// A row is stored at another row's number.
    #[error("row {number} found at position {found}")]
    Reordered {
        number: u64,
        /// The number it is stored at.
        found: u64,
    },
    /// The last rows are missing.
    #[error("log is truncated: it ends before row {first} and once had row {last}")]
    Cut {
        /// The first missing row.
        first: u64,
        /// The last row that existed.
        last: u64,
    },
    /// The rows are correct, but the stored head does not match them.
    #[error("stored head does not match row {last}, the last one")]
    Head { last: u64 },
    /// The row of the recorded head is older than the retention of the log, so nothing can be said about it.
    #[error(
        "row {number} of the recorded head was pruned: the log starts at row {first}; use a newer head"
    )]
    Pruned {
        /// The row of the recorded head.
        number: u64,
        /// The first row that was not pruned.
        first: u64,
    },
    /// The log is consistent, but does not contain the recorded head.
    #[error("row {number} does not match the recorded head: the log was rewritten")]
    Rewritten {
        /// The row of the recorded head.
        number: u64,
    },
}

/// Verifies rows incrementally, in constant memory.
#[derive(Debug)]
pub struct Verifier {
    key: AuditKey,
    /// What the first row follows.
    base: ChainHead,
    last: ChainHead,
    /// A head that was saved elsewhere.
    recorded: Option<ChainHead>,
    has_recorded: bool,
}

impl Verifier {
    /// Verifies `app`'s log after `base`, its last pruned row. `recorded` is a head that was saved elsewhere.
    #[must_use]
    pub fn new(
        key: AuditKey,
        app: &str,
        base: Option<ChainHead>,
        recorded: Option<ChainHead>,
    ) -> Self {
        let last = base.unwrap_or_else(|| key.start(app));
        let has_recorded = recorded.is_none_or(|recorded| recorded == last);
        Self { key, base: last, last, recorded, has_recorded }
    }

    /// The head of the verified rows.
    #[must_use]
    pub const fn last(&self) -> &ChainHead {
        &self.last
    }

    /// Verifies the next rows.
    ///
    /// # Errors
    /// Outer: a row could not be read. Inner: the first error. A misplaced row is recognized only among these rows.
    pub fn take<E>(
        &mut self,
        rows: impl IntoIterator<Item = Result<FoundRow, E>>,
    ) -> Result<Result<(), Tampered>, E> {
        let mut rows = rows.into_iter();
        while let Some(row) = rows.next() {
            let row = row?;
            let next = self.key.next(&self.last, &row.event);
            if row.number != next.number || row.hash != next.hash {
                return diagnose(&self.key, &self.last, row, rows).map(Err);
            }
            self.last = next;
            self.has_recorded |= self.recorded == Some(next);
        }
        Ok(Ok(()))
    }

    /// Compares the end of the rows with `head`, the one stored apart from them.
    ///
    /// # Errors
    /// When the rows end elsewhere, or do not contain the recorded head.
    pub fn finish(self, head: Option<&ChainHead>) -> Result<VerifiedLog, Tampered> {
        let Self { base, last, recorded, has_recorded, .. } = self;
        if let Some(recorded) = recorded.filter(|recorded| recorded.number < base.number) {
            return Err(Tampered::Pruned { number: recorded.number, first: base.number + 1 });
        }
        check_end(last, head, recorded.as_ref(), has_recorded).map(|()| VerifiedLog { head: last })
    }
}

fn check_end(
    last: ChainHead,
    head: Option<&ChainHead>,
    recorded: Option<&ChainHead>,
    has_recorded: bool,
) -> Result<(), Tampered> {
    match head {
        Some(head) if head.number > last.number => {
            return Err(Tampered::Cut { first: last.number + 1, last: head.number });
        }
        Some(head) if *head == last => {}
        None if last.number == 0 => {}
        Some(_) | None => return Err(Tampered::Head { last: last.number }),
    }
    match recorded {
        Some(recorded) if recorded.number > last.number => {
            Err(Tampered::Cut { first: last.number + 1, last: recorded.number })
        }
        Some(recorded) if !has_recorded => Err(Tampered::Rewritten { number: recorded.number }),
        Some(_) | None => Ok(()),
    }
}

/// Diagnoses `first`, which `rows` follow; `last` is the head of the verified rows.
fn diagnose<E>(
    key: &AuditKey,
    last: &ChainHead,
    first: FoundRow,
    rows: impl Iterator<Item = Result<FoundRow, E>>,
) -> Result<Tampered, E> {
    let (number, first_number) = (last.number + 1, first.number);
    let mut belonging = None;
    for row in std::iter::once(Ok(first)).chain(rows) {
        let row = row?;
        if key.next(last, &row.event).hash == row.hash {
            belonging = Some(row.number);
            break;
        }
    }
    Ok(match belonging {
        Some(found) if found != number || first_number > number => {
            Tampered::Reordered { number, found }
        }
        // The row is correct. The row before it matches nothing.
        Some(_) => Tampered::Changed { number: first_number },
        None if first_number > number => Tampered::Missing { number },
        None => Tampered::Changed { number: first_number },
    })
}
