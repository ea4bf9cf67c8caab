-- Counts and age of the outbox in constant time.

-- The number of an app's dead letters; the others are pending.
ALTER TABLE outbox_sizes ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;

UPDATE outbox_sizes SET dead =
    (SELECT count(*) FROM outbox WHERE outbox.app = outbox_sizes.app AND outbox.due_ms IS NULL);

DROP TRIGGER outbox_shrinks;

CREATE TRIGGER outbox_shrinks AFTER DELETE ON outbox BEGIN
    UPDATE outbox_sizes SET size = size - 1, dead = dead - (old.due_ms IS NULL) WHERE app = old.app;
END;

CREATE TRIGGER outbox_dies AFTER UPDATE OF due_ms ON outbox
WHEN old.due_ms IS NOT NULL AND new.due_ms IS NULL BEGIN
    UPDATE outbox_sizes SET dead = dead + 1 WHERE app = new.app;
END;

CREATE TRIGGER outbox_revives AFTER UPDATE OF due_ms ON outbox
WHEN old.due_ms IS NULL AND new.due_ms IS NOT NULL BEGIN
    UPDATE outbox_sizes SET dead = dead - 1 WHERE app = new.app;
END;

-- For expiring pending messages and dead letters, each oldest first.
DROP INDEX outbox_by_age;

CREATE INDEX outbox_by_wait ON outbox (since_ms) WHERE due_ms IS NOT NULL;

CREATE INDEX outbox_by_burial ON outbox (since_ms) WHERE due_ms IS NULL;
