-- Users, their instances, blocks, and the gateway's signing keys.
--
-- The first column of every key about a user is the app. Times are milliseconds since the Unix epoch, families 16
-- bytes, addresses 16 bytes of IPv6 (IPv4 mapped).

CREATE TABLE users (
    app        TEXT NOT NULL,
    username   TEXT NOT NULL,
    registered INTEGER NOT NULL,
    name       TEXT,
    properties TEXT,
    seen_ms    INTEGER, -- NULL: not known as a visitor; the row keeps what a command said of the name
    revoked_ms INTEGER,
    deleted_ms INTEGER,
    PRIMARY KEY (app, username)
) WITHOUT ROWID, STRICT;

-- For pruning guests.
CREATE INDEX guests_by_seen ON users (seen_ms) WHERE registered = 0 AND seen_ms IS NOT NULL;

-- Every row has its row in `users`.
CREATE TABLE instances (
    app        TEXT NOT NULL,
    username   TEXT NOT NULL,
    instance   TEXT NOT NULL,
    generation INTEGER NOT NULL, -- of the start that began the family
    family     BLOB, -- NULL: voided
    address    BLOB, -- kept of guests only
    seen_ms    INTEGER NOT NULL,
    PRIMARY KEY (app, username, instance)
) WITHOUT ROWID, STRICT;

CREATE TABLE blocks (
    app      TEXT NOT NULL,
    username TEXT NOT NULL,
    kind     INTEGER NOT NULL, -- 0: kick, 1: ban
    reason   TEXT,
    since_ms INTEGER NOT NULL,
    until_ms INTEGER, -- NULL: for good
    PRIMARY KEY (app, username)
) WITHOUT ROWID, STRICT;

-- Identities covered by a guest's block. Removed with the block.
CREATE TABLE block_reach (
    app      TEXT NOT NULL,
    kind     INTEGER NOT NULL, -- 0: instance, 1: address
    subject  BLOB NOT NULL,
    username TEXT NOT NULL, -- whose block it is
    PRIMARY KEY (app, kind, subject, username),
    FOREIGN KEY (app, username) REFERENCES blocks ON DELETE CASCADE
) WITHOUT ROWID, STRICT;

CREATE INDEX block_reach_by_user ON block_reach (app, username);

CREATE TABLE signing_keys (
    kid        TEXT PRIMARY KEY,
    secret     BLOB NOT NULL,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
