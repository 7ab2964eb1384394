-- Who did an event, as its record says: `identities` keeps the id, e-mail and name of each event as
-- recorded, `actors` who that is today. `proven`: at least one event that is verified, or that no
-- source could have verified. `actor_aliases`: recorded ids that were proven to be another actor's.
create table identities (
    identity_key integer, recorded_actor_id varchar, actor_email varchar, actor_name varchar,
    actor_key integer, proven boolean
);
create table actor_aliases (
    recorded_id varchar, actor_id varchar, proof varchar, proven_at timestamp
);
alter table events add column identity_key integer;
create or replace temp table recorded_emails as
select e.rowid as place, e.actor_key, e.verified is distinct from false as proven,
    coalesce(nullif(try(e.raw ->> '$.properties.details.subject_email'), ''),
        try(e.raw ->> '$.actorEmail'), '') as email
from events e;
insert into identities
select row_number() over (order by m.actor_key, m.email), p.actor_id, m.email,
    coalesce(p.actor_name, ''), m.actor_key, m.proven
from (select actor_key, email, bool_or(proven) as proven from recorded_emails group by all) m
join actors p using (actor_key);
update events set identity_key = i.identity_key
from recorded_emails m join identities i on i.actor_key = m.actor_key and i.actor_email = m.email
where events.rowid = m.place;
drop table recorded_emails;
create or replace view event_rows as
select
    e.event_id, e.occurred_at, e.ingested_at, a.action, a.action_raw, a.category, a.kind,
    a.outcome, a.risk, p.actor_id, p.actor_type, nullif(i.actor_email, '') as actor_email,
    nullif(i.actor_name, '') as actor_name, i.recorded_actor_id,
    nullif(t.target_type, '') as target_type,
    nullif(t.target_id, '') as target_id, nullif(t.target_name, '') as target_name,
    nullif(e.workspace_id, '') as workspace_id, e.verified, e.raw, e.batch_id
from events e
join actions a using (action_key)
join actors p using (actor_key)
join targets t using (target_key)
join identities i using (identity_key);
