-- The registered users of a client instance, whose penalties apply to guests on it.

CREATE INDEX instances_by_instance ON instances (app, instance);
