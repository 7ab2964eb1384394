-- What each sign-off covered: canonical JSON, stored once under its SHA-256 and never changed.
-- `signature` is Ed25519 by `key`, the key of the seals, both in hex. Sign-offs of earlier versions
-- have no body.
create table signoff_bodies (digest varchar, body varchar, key varchar, signature varchar);
alter table signoffs add column body varchar;
