-- The registered users of a client instance, whose penalties apply to guests on it. Only the rows of guests have an
-- address, and their starts, which are most, do not write the index.

CREATE INDEX instances_by_instance ON instances (app, instance) WHERE address IS NULL;
