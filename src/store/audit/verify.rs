//! Finds what was done to a log.
//!
//! The first thing that is wrong is told: from there on no row can be trusted.

use super::chain::{AuditHash, AuditKey, ChainHead};

/// A row as it is found, which need not be as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// The number it stands at.
    pub number: u64,
    /// The event, as the bytes that are kept.
    pub event: Box<[u8]>,
    /// The hash kept with it.
    pub hash: AuditHash,
}

/// A log that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedLog {
    /// Its end, to be written down elsewhere.
    pub head: ChainHead,
}

/// What is wrong with a log; the first place where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tampered {
    /// A row is not what was written.
    #[error("row {number} is changed")]
    Changed {
        /// Which.
        number: u64,
    },
    /// A row is gone, and later ones are there.
    #[error("row {number} is missing")]
    Missing {
        /// Which; the first of several.
        number: u64,
    },
    /// A row stands in another's place.
    #[error("the rows are reordered: row {number} stands as row {found}")]
    Reordered {
        /// Which.
        number: u64,
        /// Where it stands.
        found: u64,
    },
    /// The last rows are gone.
    #[error("the log is cut: it ends before row {first}, and once had row {last}")]
    Cut {
        /// The first that is gone.
        first: u64,
        /// The last there once was.
        last: u64,
    },
    /// The rows are whole, and the head is not theirs.
    #[error("the head is changed: it does not fit row {last}, the last one")]
    Head {
        /// The last row.
        last: u64,
    },
    /// The log is whole in itself, but not the one that a head was told of.
    #[error("the log was written anew: row {number} is not the one whose hash was told")]
    Rewritten {
        /// The row that head names.
        number: u64,
    },
}

/// A check that takes the rows a few at a time, and holds one.
#[derive(Debug)]
pub struct Verifier {
    key: AuditKey,
    last: ChainHead,
    /// A head that was written down elsewhere before.
    told: Option<ChainHead>,
    holds_told: bool,
}

impl Verifier {
    /// A check of `app`'s log; `told` is a head that was written down elsewhere before, if there is one.
    #[must_use]
    pub fn new(key: AuditKey, app: &str, told: Option<ChainHead>) -> Self {
        let last = key.start(app);
        let holds_told = told.is_none_or(|told| told == last);
        Self { key, last, told, holds_told }
    }

    /// The last row that was right.
    #[must_use]
    pub const fn last(&self) -> &ChainHead {
        &self.last
    }

    /// Checks the rows that come next.
    ///
    /// # Errors
    /// That of a row that could not be read; inside, what is wrong with the first that is. Whether that stands elsewhere
    /// is told if it is among these rows.
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
            self.holds_told |= self.told == Some(next);
        }
        Ok(Ok(()))
    }

    /// Compares the end; `head` is the one kept apart from the rows.
    ///
    /// # Errors
    /// When the rows end elsewhere, or are not those that a head was told of.
    pub fn finish(self, head: Option<&ChainHead>) -> Result<VerifiedLog, Tampered> {
        let Self { last, told, holds_told, .. } = self;
        check_end(last, head, told.as_ref(), holds_told).map(|()| VerifiedLog { head: last })
    }
}

/// Whether a log whose rows are right ends as it must.
fn check_end(
    last: ChainHead,
    head: Option<&ChainHead>,
    told: Option<&ChainHead>,
    holds_told: bool,
) -> Result<(), Tampered> {
    match head {
        Some(head) if head.number > last.number => {
            return Err(Tampered::Cut { first: last.number + 1, last: head.number });
        }
        Some(head) if *head == last => {}
        None if last.number == 0 => {}
        Some(_) | None => return Err(Tampered::Head { last: last.number }),
    }
    match told {
        Some(told) if told.number > last.number => {
            Err(Tampered::Cut { first: last.number + 1, last: told.number })
        }
        Some(told) if !holds_told => Err(Tampered::Rewritten { number: told.number }),
        Some(_) | None => Ok(()),
    }
}

/// What is wrong with `first`, which `rows` follow, when all rows up to `last` are right.
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
        // It is where it belongs; what stands before it is nobody's.
        Some(_) => Tampered::Changed { number: first_number },
        None if first_number > number => Tampered::Missing { number },
        None => Tampered::Changed { number: first_number },
    })
}
