-- Ended sessions and created rooms.

-- Numbered in insertion order. The value is the session as JSON.
CREATE TABLE ended_sessions (
    number   INTEGER PRIMARY KEY,
    app      TEXT NOT NULL,
    id       BLOB NOT NULL,
    username TEXT NOT NULL,
    state    TEXT NOT NULL,
    ended_ms INTEGER NOT NULL,
    value    TEXT NOT NULL
) STRICT;

-- For lists, newest first: an index ends with the number.
CREATE INDEX ended_sessions_by_app ON ended_sessions (app);
CREATE INDEX ended_sessions_by_user ON ended_sessions (app, username);
CREATE INDEX ended_sessions_by_id ON ended_sessions (id);
-- For pruning.
CREATE INDEX ended_sessions_by_end ON ended_sessions (ended_ms);

-- A room created through the server API, with its overrides as JSON.
CREATE TABLE created_rooms (
    app        TEXT NOT NULL,
    room       TEXT NOT NULL,
    choices    TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL,
    PRIMARY KEY (app, room)
) WITHOUT ROWID, STRICT;

CREATE INDEX created_rooms_by_end ON created_rooms (until_ms);
