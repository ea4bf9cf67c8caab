-- What endpoints are still to be told.

-- A message for one endpoint: pending while it has a time when it is due, else a dead letter.
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

-- What an endpoint is told next.
CREATE INDEX outbox_by_due ON outbox (app, endpoint, due_ms) WHERE due_ms IS NOT NULL;

-- What an operator pages through, and what goes first when there are too many.
CREATE INDEX outbox_by_death ON outbox (app, number) WHERE due_ms IS NULL;

-- What goes next when there are too many.
CREATE INDEX outbox_by_app ON outbox (app, number);

-- What is given up, and what is forgotten.
CREATE INDEX outbox_by_age ON outbox (since_ms);

-- How many messages of an app there are, which nobody could count at each of them.
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
