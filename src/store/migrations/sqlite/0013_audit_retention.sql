-- The last pruned row of each app's audit log. The first row that is left follows its hash.
CREATE TABLE audit_bases (
    app    TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL
) WITHOUT ROWID, STRICT;
