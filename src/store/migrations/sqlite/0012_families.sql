-- The tokens of an instance's family, by their serial numbers: the last one that was issued, the newest one that
-- started a session, and the one before it. The number of the last renewal. What the family's tokens grant now, as
-- JSON; NULL: what each token says.

ALTER TABLE instances ADD COLUMN serial INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN before_used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN renewal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN granted TEXT;
