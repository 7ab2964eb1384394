-- Two roads bring the same change: `forwarded` tells them apart, `twins` keeps the second report.
-- `echo` marks what the source says about the trail's own forwarded events.
alter table events add column forwarded boolean;
alter table events add column echo boolean;
update events set forwarded = contains(raw, '"messageId"'), echo = false;
alter table batches add column linked bigint;
create table twins (
    event_id varchar, twin_of varchar, occurred_at timestamp, ingested_at timestamp,
    batch_id integer, verified boolean, raw varchar
);
create table marks (source varchar, mark varchar, noted_at timestamp);
create table arrivals (source varchar, key varchar, version varchar, batch_id integer,
    arrived_at timestamp);
create table watches (
    source varchar, state varchar, from_at timestamp, to_at timestamp, detail varchar,
    noted_at timestamp
);
create table holds (
    hold_id integer, kind varchar, value varchar, from_at timestamp, to_at timestamp,
    reason varchar, made_by varchar, made_at timestamp, ended_at timestamp
);
create table purges (
    purged_at timestamp, cutoff timestamp, events bigint, held bigint, archived bigint,
    made_by varchar
);
create table people (actor_id varchar, name varchar, email varchar, seen_at timestamp);
create table mappings (action_raw varchar, category varchar, made_by varchar, made_at timestamp);
