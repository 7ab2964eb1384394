-- A star: events hold small keys into actions, actors and targets. See docs/adr/0002.
create table events (
    event_id varchar using compression uncompressed,
    occurred_at timestamp,
    ingested_at timestamp,
    action_key integer,
    actor_key integer,
    target_key integer,
    target_type varchar,
    workspace_id varchar,
    verified boolean,
    batch_id integer,
    raw varchar using compression zstd
);
create table actions (
    action_key integer, action_raw varchar, action varchar, category varchar, kind varchar,
    outcome varchar, risk tinyint, known boolean
);
create table actors (
    actor_key integer, actor_id varchar, actor_type varchar, actor_name varchar,
    actor_email varchar, email_at timestamp
);
create table targets (
    target_key integer, target_type varchar, target_id varchar, target_name varchar
);
create table cube (
    hour timestamp, action_key integer, actor_type varchar, target_type varchar,
    workspace_id varchar, n bigint
);
create table batches (
    batch_id integer, loader varchar, source varchar, started_at timestamp, ended_at timestamp,
    read bigint, kept bigint, duplicates bigint, quarantined bigint, error varchar
);
create table quarantine (
    batch_id integer, line bigint, reason varchar, raw blob, raw_bytes bigint, seen_at timestamp
);
create view event_rows as
select
    e.event_id, e.occurred_at, e.ingested_at, a.action, a.action_raw, a.category, a.kind,
    a.outcome, a.risk, p.actor_id, p.actor_type, nullif(p.actor_email, '') as actor_email,
    nullif(p.actor_name, '') as actor_name, nullif(t.target_type, '') as target_type,
    nullif(t.target_id, '') as target_id, nullif(t.target_name, '') as target_name,
    nullif(e.workspace_id, '') as workspace_id, e.verified, e.raw, e.batch_id
from events e
join actions a using (action_key)
join actors p using (actor_key)
join targets t using (target_key);
