-- What goes out: where to, what waits, what each try came to; and the rules that decide it.
-- A destination's mark is its place in the order in which events were kept. No secret is in here:
-- `secrets` names entries of the setting forward.secrets.
create sequence destination_ids;
create sequence delivery_ids;
create sequence rule_ids;
create table destinations (
    destination_id integer, kind varchar, name varchar, settings varchar, secrets varchar,
    streams boolean, query varchar, state varchar, said varchar, changed_at timestamp,
    made_by varchar, made_at timestamp, mark_at timestamp, mark_time timestamp, mark_id varchar,
    skipped bigint, dropped bigint
);
create table deliveries (
    delivery_id bigint, destination_id integer, kind varchar, key varchar, payload varchar,
    created_at timestamp, state varchar, tries integer, due_at timestamp, ended_at timestamp,
    status integer, answer varchar
);
-- Only the tries that failed; a delivery that was sent tells of its last one itself.
create table tries (
    delivery_id bigint, destination_id integer, number integer, began_at timestamp,
    ended_at timestamp, verdict varchar, status integer, answer varchar
);
create table rules (
    rule_id integer, name varchar, definition varchar, active boolean, snoozed_until timestamp,
    made_by varchar, made_at timestamp, last_fired_at timestamp, tally varchar
);
create table rule_groups (
    rule_id integer, target varchar, label varchar, seen_at timestamp, pending bigint,
    total bigint
);
create table rule_days (
    rule_id integer, day date, hits bigint, messages bigint
);
create table rule_seen (rule_id integer, key varchar, seen_at timestamp);
