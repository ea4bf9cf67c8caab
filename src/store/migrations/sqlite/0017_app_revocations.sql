-- Credentials of an app that were issued before this time are void.
CREATE TABLE app_revocations (
    app        TEXT PRIMARY KEY,
    revoked_ms INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
