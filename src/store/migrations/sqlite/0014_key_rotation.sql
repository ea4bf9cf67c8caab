-- When a former signing key ends. NULL: it was not replaced.
ALTER TABLE signing_keys ADD COLUMN until_ms INTEGER;
