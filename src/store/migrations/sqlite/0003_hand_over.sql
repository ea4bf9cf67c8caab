-- The handoff from a stopping gateway to the next. Empty while a gateway runs.
CREATE TABLE hand_over (
    kind   INTEGER NOT NULL, -- 0: what the others are, 1: a room, 2: a session, 3: the body of sessions' frames
    number INTEGER NOT NULL, -- from 0 in each kind
    value  BLOB NOT NULL,
    PRIMARY KEY (kind, number)
) STRICT;
