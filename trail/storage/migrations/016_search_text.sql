-- What a search reads in place of the records: see trail/storage/search_text.py. Events that are there
-- already get theirs later, in the background; the mark says up to which time (exclusive) they lack it.
create table search_texts (search_key integer, search_text varchar);
alter table events add column search_key integer;
insert into marks
select 'search_text', (max(occurred_at)::date + 1)::varchar, now()::timestamp from events
having count(*) > 0;
drop view if exists trusted_events;
create view trusted_events as select * from events where not unverified and not future_dated;
alter table targets add column search_text varchar;
update targets set search_text = replace(lower(upper(nfc_normalize(
    array_to_string([target_type, target_id, target_name], chr(31))))), 'ß', 'ss');
