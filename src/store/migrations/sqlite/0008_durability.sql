-- Bookkeeping (times last seen, token families) is on disk within a second. Access tokens restore what a machine
-- failure lost.

-- The instance's previous family, which no access token restores.
ALTER TABLE instances ADD COLUMN former_family BLOB;

-- The time up to which bookkeeping is known to be on disk.
CREATE TABLE bookkeeping_synced (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    at_ms INTEGER NOT NULL
) STRICT;
