-- Exclusive guest names.

-- The proof of a guest: sessions with one proof are one person. NULL: a registered user, or guest names are shared.
ALTER TABLE instances ADD COLUMN proof BLOB;
