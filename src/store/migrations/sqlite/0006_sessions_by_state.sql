-- Ended sessions are listed by their state, and bounded by app.

-- What a list of one state walks, newest first: an index ends with the number.
CREATE INDEX ended_sessions_by_state ON ended_sessions (app, state);

-- How many of an app there are, which nobody could count at each of them.
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
