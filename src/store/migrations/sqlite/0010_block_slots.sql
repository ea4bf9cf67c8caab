-- Blocks by setter. A row of `blocks` is the one that ends last; an earlier release writes and reads it alone.
ALTER TABLE blocks ADD COLUMN set_by TEXT; -- JSON; NULL: written by an earlier release
ALTER TABLE blocks ADD COLUMN by_setter TEXT; -- JSON: the block of each setter, with what else it covers

-- NULL: until the end of the block.
ALTER TABLE block_reach ADD COLUMN until_ms INTEGER;
