-- What outlives a room's participants, and the audit log.

-- A fact of a room, one row for what it is about. The value is the fact as JSON.
CREATE TABLE room_facts (
    app      TEXT NOT NULL,
    room     TEXT NOT NULL,
    kind     INTEGER NOT NULL, -- 0: block, 1: voice, 2: role, 3: mute and lock, 4: end, 5: spent token
    subject  TEXT NOT NULL, -- a username, a token's id, or '' where it is about the room
    value    TEXT NOT NULL,
    until_ms INTEGER, -- NULL: kept for as long as somebody is in the room; only of kinds 1 to 3
    PRIMARY KEY (app, room, kind, subject)
) WITHOUT ROWID, STRICT;

-- What the opening of a room walks, to remove what no room will ask for again.
CREATE INDEX room_facts_by_end ON room_facts (until_ms) WHERE until_ms IS NOT NULL;

-- What a user who goes on under another name is looked up by.
CREATE INDEX room_facts_by_subject ON room_facts (app, subject) WHERE kind <= 2;

-- Its rows are never changed. `audit` says what the hash is of.
CREATE TABLE audit_log (
    app    TEXT NOT NULL,
    number INTEGER NOT NULL,
    event  TEXT NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (app, number)
) WITHOUT ROWID, STRICT;

-- The last row of each app's log, apart from the rows, so that it shows when those at the end are cut off.
CREATE TABLE audit_heads (
    app    TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE audit_key (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    secret BLOB NOT NULL
) STRICT;
