//! Finds what was done to a log.
//!
//! The first thing that is wrong is told: from there on no row can be trusted.

use super::chain::{AuditHash, AuditKey, Head};

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
pub struct Verified {
    /// Its end, to be written down elsewhere.
    pub head: Head,
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

/// Checks an app's log from its first row on.
///
/// `head` is the one kept apart from the rows; `told` is one that was written down elsewhere before, if there is one.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify(
    key: &AuditKey,
    app: &str,
    rows: &[FoundRow],
    head: Option<&Head>,
    told: Option<&Head>,
) -> Result<Verified, Tampered> {
    let mut last = key.start(app);
    for (place, row) in rows.iter().enumerate() {
        let next = key.next(&last, &row.event);
        if row.number != next.number || row.hash != next.hash {
            return Err(diagnose(key, &last, &rows[place..]));
        }
        last = next;
    }
    match head {
        Some(head) if head.number > last.number => {
            return Err(Tampered::Cut { first: last.number + 1, last: head.number });
        }
        Some(head) if *head == last => {}
        None if rows.is_empty() => {}
        Some(_) | None => return Err(Tampered::Head { last: last.number }),
    }
    told.map_or(Ok(()), |told| holds(key, app, rows, told))?;
    Ok(Verified { head: last })
}

/// What is wrong with the first of `rows`, when all rows up to `last` are right.
fn diagnose(key: &AuditKey, last: &Head, rows: &[FoundRow]) -> Tampered {
    let number = last.number + 1;
    let belongs_here = |row: &&FoundRow| key.next(last, &row.event).hash == row.hash;
    let first = rows.first().map_or(number, |row| row.number);
    match rows.iter().find(belongs_here) {
        Some(row) if row.number != number || first > number => {
            Tampered::Reordered { number, found: row.number }
        }
        // It is where it belongs; what stands before it is nobody's.
        Some(_) => Tampered::Changed { number: first },
        None if first > number => Tampered::Missing { number },
        None => Tampered::Changed { number: first },
    }
}

/// Whether a log that is whole still holds the row that `told` was told of.
fn holds(key: &AuditKey, app: &str, rows: &[FoundRow], told: &Head) -> Result<(), Tampered> {
    let len = rows.len() as u64;
    if told.number > len {
        return Err(Tampered::Cut { first: len + 1, last: told.number });
    }
    let row = rows.iter().find(|row| row.number == told.number);
    let hash = row.map_or_else(|| key.start(app).hash, |row| row.hash);
    if hash == told.hash { Ok(()) } else { Err(Tampered::Rewritten { number: told.number }) }
}
