"""Verify what pages show beside the sealed rows: it must follow from the records as received.

The records are read again as at ingest. On each verification a random sample of events is read; a
full verification reads all. Everything that is small, and the hourly counts, is always compared.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Collection, Iterator

from trail.core import actors, catalogue
from trail.core.limits import Limits
from trail.core.text import count
from trail.integrity.chain_history import Problem
from trail.integrity.row_digest import Ask
from trail.storage import (
    cold_tier,
    cold_views,
    cube,
    dimensions,
    parse_sql,
    search_backfill,
    search_text,
)
from trail.storage.connection import Cursor
from trail.storage.event_flags import FUTURE_DATED
from trail.storage.where import literal

SAMPLE = 20_000  # events that a verification reads again, about

_SPAN_ROWS = 200_000
_PROVEN = "select twin_of from twins where verified is distinct from false and twin_of is not null"
_FLAGS = {
    "future_dated": f"coalesce({FUTURE_DATED}, false)",
    "unverified": f"(coalesce(not verified, false) and event_id not in ({_PROVEN}))",
}

_KEPT = search_text.kept("p.search_text")
_SEARCHED = (
    f"({', '.join(_KEPT.values())}) is distinct from ({', '.join(f's.{name}' for name in _KEPT)}) "
    "and e.occurred_at >= coalesce((select "
    f"mark::timestamp from marks where source = '{search_text.BACKFILL}'), timestamp '0001-01-01')"
)

# Each field with the condition that it differs from the record, in words.
_FIELDS = {
    "action": "p.action_raw is distinct from a.action_raw",
    "target": "(p.target_type, p.target_id, p.target_name) is distinct from "
    "(t.target_type, t.target_id, t.target_name) or p.target_type is distinct from e.target_type",
    "source": "p.forwarded is distinct from e.forwarded",
    # A record without a workspace belongs to the workspace that its batch was polled from.
    "workspace": "coalesce(nullif(p.workspace_id, ''), b.workspace_id, '') "
    "is distinct from coalesce(e.workspace_id, '')",
    "e-mail": "p.email is distinct from i.actor_email",
}
# Only where no field differs: else the search text holds all values of the record.
_FIELDS["search text"] = f"{_SEARCHED} and not ({' or '.join(_FIELDS.values())})"
# A seal covers these, so that a difference on a day that matches its seal is due to an older
# release that read the record in another way.
SEALED_FIELDS = frozenset({"action", "target", "source", "workspace", "actor"})


def problems(
    ask: Ask,
    limits: Limits,
    *,
    full: bool,
    valid_days: Collection[dt.date] = (),
    accepted_days: Collection[dt.date] = (),
    span: tuple[dt.datetime | None, dt.datetime | None] = (None, None),
    progress: Callable[[float], None] | None = None,
) -> list[Problem]:
    """Return the differences between the records and what was derived from them, by day (UTC).

    *valid_days* are days that match their seals, *accepted_days* those that an owner accepted as
    they are. *span* limits the events that are read again
    (start inclusive, end exclusive, UTC without zone).
    """
    found = [*_actions(ask), *_actors(ask), *_targets(ask), *_signed_texts(ask)]
    found += _by_day(
        ask, _flags(), "flag changed", "The flags of {n} do not follow from their records."
    )
    for table, name in {cube.CUBE: "hourly counts", cube.ACTOR_CUBE: "counts by actor"}.items():
        text = f"The {name} differ from the stored events by {{n}}."
        found += _by_day(ask, _counts(table), "count changed", text)
        text = f"The {name} differ from the archived events by {{n}}."
        found += _by_day(ask, cold_tier.miscounted(table), "count changed", text)
    for (day, name), number in sorted(_events(ask, limits, full, span, progress).items()):
        covered = day in valid_days and name in SEALED_FIELDS
        if not covered and day not in accepted_days:
            one = number == 1
            text = (
                f"{day}: {count(number, 'event')} {'has' if one else 'have'} another "
                f"{name} than {'its record' if one else 'their records'}."
            )
            found.append(Problem(day, f"{name} changed", number, text))
    return found


def _actions(ask: Ask) -> Iterator[Problem]:
    """Yield the actions that are classified in another way than by the catalogue and owners."""
    mark = ask(f"select mark from marks where source = '{dimensions.CATALOGUE}'")
    if mark and mark[0]["mark"] != catalogue.VERSION:
        return  # an older release classified them; the next start of the server does it again
    mapped = {
        row["action_raw"]: row["category"]
        for row in ask("select action_raw, category from mappings")
    }
    for row in ask("select * from actions order by action_raw"):
        name = str(row["action_raw"])
        read = catalogue.resolve(name)
        expected = {
            "action": read.name,
            "category": mapped.get(name, read.category),
            "kind": read.kind,
            "outcome": read.outcome,
            "risk": read.risk,
            "known": read.known or name in mapped,
        }
        for field, value in expected.items():
            if row[field] != value:
                text = f"The {field} of the action {name!r} is {row[field]!r} instead of {value!r}."
                yield Problem(None, f"{'name' if field == 'action' else field} changed", 1, text)


def _actors(ask: Ask) -> Iterator[Problem]:
    """Yield actors whose type does not follow from their id, or whose e-mail nobody gave."""
    for row in ask("select actor_id, actor_type from actors"):
        kind = actors.type_of(str(row["actor_id"]))
        if row["actor_type"] != kind:
            text = (
                f"The actor {row['actor_id']!r} has the type {row['actor_type']!r}, not {kind!r}."
            )
            yield Problem(None, "actor type changed", 1, text)
    for row in ask(
        "select p.actor_id, p.actor_email from actors p where p.actor_email <> '' "
        # An earlier release did not keep the e-mails of events that were removed since.
        "and p.email_at >= (select min(occurred_at) from events) "
        "and p.actor_email not in (select email from people d where d.actor_id = p.actor_id) "
        "and p.actor_email not in "
        "(select actor_email from identities i where i.actor_key = p.actor_key)"
    ):
        text = (
            f"The e-mail of the actor {row['actor_id']!r} is in no record and not in the directory."
        )
        yield Problem(None, "actor e-mail changed", 1, text)
    for row in ask(
        "select p.actor_id, p.actor_name from actors p join people d using (actor_id) "
        "where p.actor_type = 'user' and p.actor_name is distinct from d.name"
    ):
        text = f"The name of the actor {row['actor_id']!r} is not that of the directory."
        yield Problem(None, "actor name changed", 1, text)


def _targets(ask: Ask) -> Iterator[Problem]:
    """Yield the targets whose search text does not follow from their type, ID and name."""
    for row in ask(
        f"select target_id from targets where search_text is distinct from {search_text.TARGET}"
    ):
        text = f"The search text of the target {row['target_id']!r} does not follow from its names."
        yield Problem(None, "search text changed", 1, text)


def _signed_texts(ask: Ask) -> Iterator[Problem]:
    for row in ask("select digest from signoff_bodies where sha256(body) <> digest"):
        text = f"The signed text {row['digest'][:12]}… was changed after it was signed."
        yield Problem(None, "sign-offs changed", 1, text)


def _by_day(ask: Ask, sql: str, problem: str, text: str) -> Iterator[Problem]:
    for row in ask(sql):
        day, n = row["day"], int(row["n"])
        yield Problem(day, problem, n, f"{day or 'No day'}: {text.format(n=count(n, 'event'))}")


def _flags_differ() -> str:
    return " or ".join(f"{name} is distinct from {value}" for name, value in _FLAGS.items())


def _flags() -> str:
    return (
        "select occurred_at::date as day, count(*) as n from events "
        f"where {_flags_differ()} group by day order by day"
    )


def _counts(table: str) -> str:
    keys = f"hour, {cube.KEYS[table]}"
    return (
        f"with now as ({cube.counted(table)}), "
        f"kept as (select {keys}, sum(n)::bigint as n from {table} group by all) "
        "select coalesce(now.hour, kept.hour)::date as day, "
        "sum(abs(coalesce(now.n, 0) - coalesce(kept.n, 0)))::bigint as n "
        "from now full join kept on "
        + " and ".join(f"now.{key} is not distinct from kept.{key}" for key in keys.split(", "))
        + " where now.n is distinct from kept.n group by all order by day"
    )


def _events(
    ask: Ask,
    limits: Limits,
    full: bool,
    span: tuple[dt.datetime | None, dt.datetime | None],
    progress: Callable[[float], None] | None,
) -> dict[tuple[dt.date, str], int]:
    """Return by day and field how many of the events differ from their records."""
    result: dict[tuple[dt.date, str], int] = {}
    # Records that were accepted are read whatever today's limit of a line is.
    wide = limits.model_copy(update={"line_bytes": 1 << 40})
    groups = list(_groups(ask, full, span))
    for number, where in enumerate(groups, 1):
        for row in ask(_compared(where, wide)):
            for name in _FIELDS:
                if n := int(row[name] or 0):
                    key = row["day"], name
                    result[key] = result.get(key, 0) + n
            # The actor is resolved in Python, once for each text.
            if row["recorded_actor_id"] != actors.resolve(row["who"]).actor_id:
                key = row["day"], "actor"
                result[key] = result.get(key, 0) + int(row["n"])
        if progress:
            progress(number / len(groups))
    return result


def _groups(
    ask: Ask, full: bool, span: tuple[dt.datetime | None, dt.datetime | None]
) -> Iterator[str]:
    """Yield conditions that each select a limited number of the events to read."""
    start, end = span
    within = "".join(
        f" and occurred_at {sign} {literal(at)}" for sign, at in ((">=", start), ("<", end)) if at
    )
    days = ask(
        "select occurred_at::date as day, count(*) as n from events where occurred_at is not null"
        f"{within} group by all order by day"
    )
    total = sum(row["n"] for row in days)
    share = "" if full or total <= SAMPLE else f" and {_drawn(total)}"
    size, group = 0, list[dt.date]()
    for row in days:
        group.append(row["day"])
        size += row["n"] if not share else row["n"] * SAMPLE // total
        if size >= _SPAN_ROWS:
            yield _between(group) + within + share
            size, group = 0, []
    if group:
        yield _between(group) + within + share


def _drawn(total: int) -> str:
    """Return a condition that draws about `SAMPLE` of *total* events, others each time."""
    return f"hash(event_id, {secrets.randbits(32)}) % {max(total // SAMPLE, 1)} = 0"


def _between(days: list[dt.date]) -> str:
    first = dt.datetime.combine(days[0], dt.time())
    last = dt.datetime.combine(days[-1], dt.time()) + dt.timedelta(days=1)
    return f"occurred_at >= {literal(first)} and occurred_at < {literal(last)}"


def _compared(where: str, limits: Limits) -> str:
    """Return SQL that counts by day, actor text and identity how many fields differ."""
    read = parse_sql.read("chosen", limits, trusted=True, named=True, mapped=True)
    differing = ", ".join(f'count(*) filter ({rule}) as "{name}"' for name, rule in _FIELDS.items())
    return (
        "with chosen as (select rowid as pos, 0 as line, raw, null::varchar as content_id "
        f"from events where {where}), parsed as ({read}) "
        "select e.occurred_at::date as day, p.who, i.recorded_actor_id, count(*) as n, "
        f"{differing} "
        "from parsed p join events e on e.rowid = p.pos "
        "left join actions a using (action_key) left join targets t using (target_key) "
        "left join identities i using (identity_key) left join search_texts s using (search_key) "
        "left join batches b using (batch_id) "
        "where p.reason = '' "
        "group by all"
    )


def repair(cursor: Cursor) -> None:
    """Derive again what follows from records and catalogue.

    That is actions, actor types, flags, counts, and later, in the background, the search text.
    """
    dimensions.refresh_actions(cursor)
    for actor_id, shown in cursor.execute("select actor_id, actor_type from actors").fetchall():
        if shown != actors.type_of(actor_id or ""):
            cursor.execute(
                "update actors set actor_type = $kind where actor_id = $actor",
                {"kind": actors.type_of(actor_id or ""), "actor": actor_id},
            )
    flags = ", ".join(f"{name} = {value}" for name, value in _FLAGS.items())
    cursor.execute(f"update events set {flags} where {_flags_differ()}")
    cube.rebuild(cursor, "true", "true")
    cold_views.recount(cursor)
    cursor.execute(f"update targets set search_text = {search_text.TARGET}")
    search_backfill.mark_missing(cursor)
