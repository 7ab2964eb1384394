"""The tables of the store, and the steps from one version of them to the next.

A database carries its version; opening it runs the steps it lacks, each in one transaction. The
layout is a star: `events` holds small keys into `actions`, `actors` and `targets`, so that a facet
counts integers and a new reading of an action's name changes one row, not millions. No primary
key, index or enum: see docs/adr/0002.
"""

from trail.errors import InputError

# Rows that DuckDB keeps in one row group; inserts of whole multiples skip the write-ahead log.
ROW_GROUP = 122_880

_VERSION_1 = """
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
"""

# Two roads bring the same change: `forwarded` tells them apart, `twins` keeps the second report.
# `echo` marks what the source says about the trail's own forwarded events.
_VERSION_2 = """
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
"""

# One entry a version: what brings a database from the version before to this one.
STEPS: tuple[str, ...] = (_VERSION_1, _VERSION_2)

NEWEST = len(STEPS)


def pending(version: int) -> tuple[tuple[int, str], ...]:
    """Return the steps that a database of *version* lacks, as (version after it, SQL).

    Raises `InputError` for a database written by a newer release.
    """
    if version > NEWEST:
        raise InputError(
            f"The database has version {version}; this release knows versions up to {NEWEST}.",
            "Start the newer release again, or restore an older copy.",
        )
    return tuple((number + 1, STEPS[number]) for number in range(version, NEWEST))
