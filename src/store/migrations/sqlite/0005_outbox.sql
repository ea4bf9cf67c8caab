-- The outbox of webhook messages.

-- A message for one endpoint: pending if it has a due time, otherwise a dead letter.
CREATE TABLE outbox (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    app      TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    event    BLOB NOT NULL, -- 16 bytes
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms   INTEGER, -- NULL: a dead letter
    error    TEXT
) STRICT;

-- For the due messages of an endpoint.
CREATE INDEX outbox_by_due ON outbox (app, endpoint, due_ms) WHERE due_ms IS NOT NULL;

-- For pages of dead letters, and for evicting them first.
CREATE INDEX outbox_by_death ON outbox (app, number) WHERE due_ms IS NULL;

-- For evicting other messages.
CREATE INDEX outbox_by_app ON outbox (app, number);

-- For expiring messages.
CREATE INDEX outbox_by_age ON outbox (since_ms);

-- The number of an app's messages, so that an insert need not count them.
CREATE TABLE outbox_sizes (
    app  TEXT PRIMARY KEY,
    size INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TRIGGER outbox_grows AFTER INSERT ON outbox BEGIN
    INSERT INTO outbox_sizes (app, size) VALUES (new.app, 1) ON CONFLICT (app) DO UPDATE SET size = size + 1;
END;

CREATE TRIGGER outbox_shrinks AFTER DELETE ON outbox BEGIN
    UPDATE outbox_sizes SET size = size - 1 WHERE app = old.app;
END;
