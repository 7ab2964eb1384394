-- Seals: one signed line a statement about a day, chained; see docs/adr/0010.
-- `seal_parts` is what the newest statement of a day was made of, so that verify can count.
create table seals (number integer, day date, line varchar);
create table seal_parts (
    number integer, day date, kind varchar, part varchar, n bigint, digest varchar
);
-- What a purge took of each batch: kept = events that are there + events removed.
create table removals (batch_id integer, events bigint, twins bigint);
insert into removals
select b.batch_id, coalesce(b.kept, 0) - coalesce(e.n, 0), coalesce(b.linked, 0) - coalesce(t.n, 0)
from batches b
left join (select batch_id, count(*) as n from events group by all) e using (batch_id)
left join (select batch_id, count(*) as n from twins group by all) t using (batch_id)
where coalesce(b.kept, 0) <> coalesce(e.n, 0) or coalesce(b.linked, 0) <> coalesce(t.n, 0);
