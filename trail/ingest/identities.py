"""Who did an event: as its record says, and which actor of the workspace that is.

Each event keeps the id, e-mail and name that its record gave (`identities`); later data never
changes them. Different spellings of one person become one actor once the directory or other events
prove it: a bare id `usr1` is `users/usr1` if that user is known, and an actor known by e-mail only
is the one user with that e-mail. Only proven events are used for that: events that are verified, or
that no source could have verified, and that are not dated in the future.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trail.core import actors
from trail.core.clock import utc_now
from trail.findings import refresh
from trail.storage import cold_tier, cube, ledger
from trail.storage.connection import Cursor, arrow
from trail.storage.distinct import distinct, spread

_RECORDED = """
create or replace temp table recorded as
select n.place, n.email, n.proven, n.proven_at, w.recorded_id,
 coalesce(l.actor_id, w.recorded_id) as actor_id,
 case when l.actor_id is null then w.actor_type else 'user' end as actor_type,
 coalesce(p.name, w.name) as name
from named_records n join resolved w using (who)
left join actor_aliases l on l.recorded_id = w.recorded_id
left join people p on p.actor_id = coalesce(l.actor_id, w.recorded_id)
"""

_NEW_ACTORS = """
insert into actors
select coalesce((select max(actor_key) from actors), 0) + row_number() over (order by actor_id),
 actor_id, any_value(actor_type), coalesce(any_value(p.name), any_value(r.name)),
 coalesce(any_value(p.email), ''), any_value(p.seen_at)
from recorded r left join people p using (actor_id)
where actor_id not in (select actor_id from actors) group by actor_id
"""

# The latest proven e-mail by event time wins, whatever the order in which files are loaded.
_CURRENT_EMAILS = """
update actors set actor_email = seen.email, email_at = seen.at_time
from (
 select actor_id, max_by(email, proven_at) as email, max(proven_at) as at_time
 from recorded where email <> '' and proven group by actor_id
) seen
where actors.actor_id = seen.actor_id
 and (actors.email_at is null or actors.email_at < seen.at_time)
"""

_PROVEN_LATER = """
create or replace temp table recorded as
select p.actor_id, i.actor_email as email, true as proven, max(e.occurred_at) as proven_at
from proven_events e join identities i using (identity_key) join actors p using (actor_key)
where not e.future_dated group by all
"""

_SAME = """i.recorded_actor_id = r.recorded_id and i.actor_email = r.email
 and i.actor_name = r.name and i.actor_key = p.actor_key"""

_PROVEN_NOW = f"""
update identities i set proven = true
from recorded r join actors p using (actor_id) where r.proven and not i.proven and {_SAME}
"""

_NEW_IDENTITIES = f"""
insert into identities
select coalesce((select max(identity_key) from identities), 0)
  + row_number() over (order by r.recorded_id, r.email, r.name), r.recorded_id, r.email, r.name,
 p.actor_key, bool_or(r.proven)
from recorded r join actors p using (actor_id)
where not exists (select 1 from identities i where {_SAME})
group by r.recorded_id, r.email, r.name, p.actor_key
"""

_KEYS = f"""
select i.identity_key, p.actor_key, p.actor_type
from recorded r join actors p using (actor_id) join identities i on {_SAME} order by r.place
"""

# A known user, and the other texts that stand for that user and nobody else.
_PROOFS = """
create or replace temp table proofs as
with known as (
 select actor_id, lower(email) as email from people
 union
 select p.actor_id, lower(i.actor_email) from identities i join actors p using (actor_key)
 where i.proven and p.actor_type = 'user'
), texts as (
 select actor_id, regexp_replace(actor_id, '^users/', '') as text, 'id' as proof from known
 where starts_with(actor_id, 'users/') and not contains(actor_id, '@')
 union
 select actor_id, email, 'email' from known where email <> '' and not contains(actor_id, '@')
)
select p.actor_id as recorded_id, any_value(t.actor_id) as actor_id, any_value(t.proof) as proof
from actors p join texts t on t.actor_id <> p.actor_id and (
 (t.proof = 'id' and p.actor_type = 'unknown' and p.actor_id = t.text)
 or (t.proof = 'email' and contains(p.actor_id, '@')
  and lower(regexp_replace(p.actor_id, '^users/', '')) = t.text))
group by p.actor_id having count(distinct t.actor_id) = 1
"""

_MERGE = (
    "insert into actor_aliases select recorded_id, actor_id, proof, $now from proofs",
    """
insert into actors
select (select max(actor_key) from actors) + row_number() over (order by p.actor_id), p.actor_id,
 'user', coalesce(d.name, ''), coalesce(d.email, ''), d.seen_at
from (select distinct actor_id from proofs) p left join people d using (actor_id)
where p.actor_id not in (select actor_id from actors)
""",
    """
create or replace temp table moved as
select o.actor_key as old_key, n.actor_key as new_key
from proofs p join actors o on o.actor_id = p.recorded_id join actors n on n.actor_id = p.actor_id
""",
    """
create or replace temp table moved_hours as
select distinct date_trunc('hour', occurred_at) as hour from events
where actor_key in (select old_key from moved)
""",
    "update events set actor_key = new_key from moved where actor_key = old_key",
    "update identities set actor_key = new_key from moved where actor_key = old_key",
    "delete from actors where actor_key in (select old_key from moved)",
)


def assign(
    cursor: Cursor, events: pa.Table, proven: npt.NDArray[np.bool_]
) -> tuple[pa.Table, bool]:
    """Find or make the identity and the actor of each of *events*.

    *proven* says of each event whether it may prove who somebody is. Returns the columns
    identity_key, actor_key and actor_type, and whether `merge` may find new proof.
    """
    places, named = distinct(events, ("who", "email"))
    count = named.num_rows
    is_proven = np.zeros(count, bool)
    is_proven[places[proven]] = True
    newest = np.full(count, np.iinfo(np.int64).min)
    moments = events["occurred_at"].cast(pa.int64()).to_numpy()
    np.maximum.at(newest, places[proven], moments[proven])
    proven_at = pa.array(newest, pa.timestamp("us"), mask=~is_proven)
    named = named.append_column("proven", pa.array(is_proven))
    cursor.register("named_records", named.append_column("proven_at", proven_at))
    texts = named["who"].unique().to_pylist()
    resolved = [actors.resolve(text) for text in texts]
    cursor.register(
        "resolved",
        pa.table(
            {
                "who": pa.array(texts, pa.string()),
                "recorded_id": pa.array([actor.actor_id for actor in resolved], pa.string()),
                "actor_type": pa.array([actor.actor_type for actor in resolved], pa.string()),
                "name": pa.array([actor.name for actor in resolved], pa.string()),
            }
        ),
    )
    for statement in (_RECORDED, _NEW_ACTORS, _CURRENT_EMAILS):
        cursor.execute(statement)
    proven_now = cursor.execute(_PROVEN_NOW).fetchall()[0][0]
    last = cursor.execute("select coalesce(max(identity_key), 0) from identities").fetchall()[0][0]
    with ledger.changing(cursor, "identities", "identity_key > $last", {"last": last}):
        added = cursor.execute(_NEW_IDENTITIES).fetchall()[0][0]
    keys = arrow(cursor, _KEYS)
    return spread(keys, places), bool(proven_now or added)


def prove(cursor: Cursor) -> None:
    """Take the names of the temporary table `proven_events` (identity_key, occurred_at) as proven.

    Events that are dated in the future name nobody.
    """
    cursor.execute(_PROVEN_LATER)
    cursor.execute(
        "update identities set proven = true where identity_key in (select identity_key "
        "from proven_events where not future_dated)"
    )
    cursor.execute(_CURRENT_EMAILS)


def merge(cursor: Cursor) -> None:
    """Make one actor of those that the directory or proven events show to be the same person.

    Events keep what they recorded; they, the counts and the aggregates go over to the actor.
    """
    cursor.execute(_PROOFS)
    if not cursor.execute("select 1 from proofs limit 1").fetchall():
        return
    now = utc_now()
    with ledger.changing(cursor, "actor_aliases", "proven_at >= $now", {"now": now}):
        for statement in _MERGE:
            cursor.execute(statement, {"now": now} if "$now" in statement else None)
    cube.rebuild_listed(cursor, "moved_hours")
    cold_tier.move_actors(cursor, "moved")
    hours = cursor.execute("select distinct hour::date from moved_hours").fetchall()
    refresh.invalidate(cursor, [row[0] for row in hours])
