-- 1: a room has had a block, a mute or a role of the guest on this instance, so that its name may be reserved.
ALTER TABLE instances ADD COLUMN is_marked INTEGER NOT NULL DEFAULT 0;

UPDATE instances SET is_marked = 1 WHERE address IS NOT NULL AND (
    EXISTS (SELECT 1 FROM room_facts f INDEXED BY room_facts_by_guest
            WHERE f.app = instances.app AND f.kind = 6 AND f.subject = instances.instance)
    OR EXISTS (SELECT 1 FROM room_facts f INDEXED BY room_facts_by_subject
               WHERE f.app = instances.app AND f.subject = instances.username AND f.kind <= 2 AND f.kind = 0));

-- For counting the reserved names of an address. Starts of other guests do not write it.
CREATE INDEX marked_by_address ON instances (app, address) WHERE is_marked = 1;
