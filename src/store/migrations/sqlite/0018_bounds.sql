-- For removing blocks that have expired.
CREATE INDEX blocks_by_end ON blocks (until_ms) WHERE until_ms IS NOT NULL;
