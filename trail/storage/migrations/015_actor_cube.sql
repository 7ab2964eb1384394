-- The hourly counts by actor, so that a choice of actors is counted without reading the events.
create table actor_cube (
    hour timestamp, action_key integer, actor_key integer, target_type varchar,
    workspace_id varchar, unverified boolean, future_dated boolean, n bigint
);
insert into actor_cube
select date_trunc('hour', occurred_at) as hour, action_key, actor_key, target_type, workspace_id,
    unverified, future_dated, count(*) as n
from events group by all order by hour;
