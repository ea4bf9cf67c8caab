-- Ended sessions by state, and their number per app.

-- For lists of one state, newest first: an index ends with the number.
CREATE INDEX ended_sessions_by_state ON ended_sessions (app, state);

-- The number of an app's rows, so that an insert need not count them.
CREATE TABLE ended_session_sizes (
    app  TEXT PRIMARY KEY,
    size INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

INSERT INTO ended_session_sizes (app, size) SELECT app, count(*) FROM ended_sessions GROUP BY app;

CREATE TRIGGER ended_sessions_grow AFTER INSERT ON ended_sessions BEGIN
    INSERT INTO ended_session_sizes (app, size) VALUES (new.app, 1)
        ON CONFLICT (app) DO UPDATE SET size = size + 1;
END;

CREATE TRIGGER ended_sessions_shrink AFTER DELETE ON ended_sessions BEGIN
    UPDATE ended_session_sizes SET size = size - 1 WHERE app = old.app;
END;
