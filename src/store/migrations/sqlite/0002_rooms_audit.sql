-- Durable state of rooms, and the audit log.

-- One row per change key. The value is the change as JSON.
CREATE TABLE room_facts (
    app      TEXT NOT NULL,
    room     TEXT NOT NULL,
    kind     INTEGER NOT NULL, -- 0: block, 1: voice, 2: role, 3: mute and lock, 4: end, 5: spent token
    subject  TEXT NOT NULL, -- a username, a token's id, or '' where it is about the room
    value    TEXT NOT NULL,
    until_ms INTEGER, -- NULL: the room is occupied; only for kinds 1 to 3
    PRIMARY KEY (app, room, kind, subject)
) WITHOUT ROWID, STRICT;

-- For removing expired rows when a room opens.
CREATE INDEX room_facts_by_end ON room_facts (until_ms) WHERE until_ms IS NOT NULL;

-- For migrating a renamed user.
CREATE INDEX room_facts_by_subject ON room_facts (app, subject) WHERE kind <= 2;

-- Rows are append-only. `store::audit` defines the hash.
CREATE TABLE audit_log (
    app    TEXT NOT NULL,
    number INTEGER NOT NULL,
    event  TEXT NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (app, number)
) WITHOUT ROWID, STRICT;

-- The last row of each app's log, stored apart so that truncation is detected.
CREATE TABLE audit_heads (
    app    TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE audit_key (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    secret BLOB NOT NULL
) STRICT;
