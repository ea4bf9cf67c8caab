-- Mutes and roles of single guests in rooms: rows of kind 6 in `room_facts`, whose subject is the client instance.

-- For migrating a renamed guest.
CREATE INDEX room_facts_by_guest ON room_facts (app, subject) WHERE kind = 6;
