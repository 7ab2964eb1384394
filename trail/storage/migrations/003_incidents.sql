-- Failed attempts, grouped. All of it follows from `events` and can be made anew from them.
-- `touched` names what has changed since; `attempts` has the columns that a selection asks for.
create table touched (action varchar, target varchar, target_key integer);
create table attempts (
    event_id varchar, occurred_at timestamp, action_key integer, actor_key integer,
    target_key integer, target_type varchar, workspace_id varchar, incident_id varchar,
    run integer, onset boolean
);
create table storms (action varchar, first_at timestamp, until timestamp);
create table incidents (
    incident_id varchar, action varchar, target varchar, action_key integer, target_key integer,
    first_event_id varchar, first_at timestamp, last_at timestamp, attempts integer, runs integer,
    exhausted integer, class varchar, beat_s bigint, gap_s bigint, storm_id varchar
);
