-- Archived days are read in place: see trail/storage/cold_tier.py. `keyed` parts have the keys of this
-- database; `searchable` ones have the keys of their search texts.
create table cold_parts (
    day date, file varchar, rows bigint, bytes bigint, keyed boolean, searchable boolean
);
-- Events of a part that are also in another one.
create table cold_repeats (file varchar, event_id varchar);
-- The hourly counts of archived days, as in `cube` and `actor_cube`.
create table cold_cube as from cube limit 0;
create table cold_actor_cube as from actor_cube limit 0;
-- Rows of the tables of names that archived events point to.
create table cold_keys (name varchar, key integer);
-- Failed attempts of archived days, of which incidents are made.
create table cold_attempts (
    event_id varchar, occurred_at timestamp, action_key integer, actor_key integer,
    target_key integer, target_type varchar, workspace_id varchar
);
