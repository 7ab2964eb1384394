-- Destinations that are sent the seals too: up to which number, and the seal that had it.
alter table destinations add column seals boolean;
alter table destinations add column seal_number integer;
alter table destinations add column seal_mark varchar;
update destinations set seals = false, seal_number = 0, seal_mark = '';
