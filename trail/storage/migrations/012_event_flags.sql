-- Two flags keep an event out of detectors, incidents, alerts and names: `unverified` (no signature
-- covers it, and nothing else has proven the same change since) and `future_dated` (more than ten
-- minutes later than its arrival). Quarantine keeps how a record came, for trying it again.
alter table events add column unverified boolean default false;
alter table events add column future_dated boolean default false;
alter table cube add column unverified boolean default false;
alter table cube add column future_dated boolean default false;
alter table quarantine add column verified boolean;
alter table quarantine add column named boolean default false;
alter table quarantine add column mapped boolean default false;
update quarantine set verified = false
where batch_id in (select batch_id from batches where loader = 'webhook');
update events set unverified = true where verified = false and event_id not in (
    select twin_of from twins where verified is distinct from false);
update events set future_dated = true where occurred_at > ingested_at + interval 10 minute;
create or replace temp table flagged_hours as
select distinct date_trunc('hour', occurred_at) as hour from events
where unverified or future_dated;
delete from cube where hour in (select hour from flagged_hours);
insert into cube by name
select date_trunc('hour', occurred_at) as hour, action_key, actor_type, e.target_type, workspace_id,
    unverified, future_dated, count(*) as n
from events e join actors using (actor_key)
where date_trunc('hour', occurred_at) in (select hour from flagged_hours) group by all;
drop table flagged_hours;
create view trusted_events as select * from events where not unverified and not future_dated;
