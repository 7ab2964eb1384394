-- When each actor was first and last seen, when access was removed, and when sources delivered last:
-- of archived days in tables, since years of them would be read for it. See
-- trail/storage/cold_times.py.
create table cold_actor_days (day date, actor_key integer, first_at timestamp, last_at timestamp);
create table cold_access_removals (occurred_at timestamp, target_key integer);
create table cold_loader_days (day date, loader varchar, last_at timestamp);
-- Days that were archived before these tables, until retention has filled them.
create table cold_days_pending as select distinct day from cold_parts;
create view actor_times as
select actor_key, min(occurred_at) as first_at, max(occurred_at) as last_at
from events where not future_dated group by actor_key;
create view access_removals as
select e.occurred_at, e.target_key from trusted_events e join actions a using (action_key)
where a.action in ('User Removed', 'Group Memberships Deleted');
