-- Bookkeeping (who was seen where, which family an instance has) is on disk a second after it was written, at the latest.
-- What a failed machine lost of it is made up for by access tokens that say so themselves.

-- The family the instance had before, which no access token brings back.
ALTER TABLE instances ADD COLUMN former_family BLOB;

-- Up to when bookkeeping is known to be on disk.
CREATE TABLE bookkeeping_synced (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    at_ms INTEGER NOT NULL
) STRICT;
