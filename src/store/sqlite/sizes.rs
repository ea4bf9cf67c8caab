//! Numbers of rows that clients can cause to grow, by app, so that no call has to count them.
//!
//! Only the writer's thread changes them: with each row, and back if the transaction is rolled back.

#[cfg(test)]
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use crate::store::StoreSizes;
use crate::sync::Mutex;

/// The numbers of rows in one store. Shared with the callers of the store, which read them.
#[derive(Clone, Default)]
pub(super) struct Sizes(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    by_app: HashMap<Arc<str>, StoreSizes>,
    /// The changes of the transaction in progress.
    uncommitted: Vec<(Arc<str>, Table, isize)>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Client instances of guests.
    Guests,
    /// Blocks of the app.
    Blocks,
    /// Durable state of rooms.
    RoomRecords,
}

impl Sizes {
    /// Counts the rows of a store that was opened.
    pub(super) fn load(&self, db: &Connection) -> rusqlite::Result<()> {
        let counted = [
            (
                Table::Guests,
                "SELECT app, count(*) FROM instances WHERE address IS NOT NULL GROUP BY app",
            ),
            (Table::Blocks, "SELECT app, count(*) FROM blocks GROUP BY app"),
            (Table::RoomRecords, "SELECT app, count(*) FROM room_facts GROUP BY app"),
        ];
        for (table, sql) in counted {
            let mut statement = db.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (app, count): (String, isize) = (row.get(0)?, row.get(1)?);
                self.add(&app.into(), table, count);
            }
        }
        self.commit();
        Ok(())
    }

    pub(super) fn of(&self, app: &str) -> StoreSizes {
        self.0.lock().by_app.get(app).copied().unwrap_or_default()
    }

    /// The numbers of all apps that have rows.
    #[cfg(test)]
    pub(super) fn all(&self) -> BTreeMap<Arc<str>, StoreSizes> {
        let counts = self.0.lock();
        let has_rows = |(_, sizes): &(&Arc<str>, &StoreSizes)| **sizes != StoreSizes::default();
        counts.by_app.iter().filter(has_rows).map(|(app, sizes)| (app.clone(), *sizes)).collect()
    }

    /// Counts rows that were inserted, or removed if `change` is negative.
    pub(super) fn add(&self, app: &Arc<str>, table: Table, change: isize) {
        if change == 0 {
            return;
        }
        let mut counts = self.0.lock();
        counts.uncommitted.push((Arc::clone(app), table, change));
        counts.apply(app, table, change);
    }

    /// Counts rows that were removed.
    pub(super) fn subtract(&self, app: &Arc<str>, table: Table, removed: usize) {
        self.add(app, table, -isize::try_from(removed).unwrap_or(isize::MAX));
    }

    pub(super) fn commit(&self) {
        self.0.lock().uncommitted.clear();
    }

    pub(super) fn roll_back(&self) {
        let mut counts = self.0.lock();
        for (app, table, change) in std::mem::take(&mut counts.uncommitted) {
            counts.apply(&app, table, -change);
        }
    }
}

impl Counts {
    fn apply(&mut self, app: &Arc<str>, table: Table, change: isize) {
        let sizes = self.by_app.entry(Arc::clone(app)).or_default();
        let count = match table {
            Table::Guests => &mut sizes.guests,
            Table::Blocks => &mut sizes.blocks,
            Table::RoomRecords => &mut sizes.room_records,
        };
        *count = count.saturating_add_signed(change);
    }
}
