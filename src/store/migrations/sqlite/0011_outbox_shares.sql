-- Half of an app's outbox is reserved for moderation and bans.

ALTER TABLE outbox ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0; -- 1: of the reserved share

-- The number of an app's messages of the reserved share.
ALTER TABLE outbox_sizes ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;

UPDATE outbox SET reserved = 1 WHERE kind = 'user.banned' OR kind LIKE 'moderation.%';

UPDATE outbox_sizes SET reserved =
    (SELECT count(*) FROM outbox WHERE outbox.app = outbox_sizes.app AND outbox.reserved = 1);

DROP TRIGGER outbox_grows;

CREATE TRIGGER outbox_grows AFTER INSERT ON outbox BEGIN
    INSERT INTO outbox_sizes (app, size, reserved) VALUES (new.app, 1, new.reserved)
        ON CONFLICT (app) DO UPDATE SET size = size + 1, reserved = reserved + new.reserved;
END;

DROP TRIGGER outbox_shrinks;

CREATE TRIGGER outbox_shrinks AFTER DELETE ON outbox BEGIN
    UPDATE outbox_sizes
        SET size = size - 1, dead = dead - (old.due_ms IS NULL), reserved = reserved - old.reserved
        WHERE app = old.app;
END;

-- For evicting messages of a share.
CREATE INDEX outbox_by_share ON outbox (app, reserved, number);

CREATE INDEX outbox_by_share_and_death ON outbox (app, reserved, number) WHERE due_ms IS NULL;

DROP INDEX outbox_by_app;
