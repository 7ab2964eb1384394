"""What a record says: the one reading of both of Segment's shapes, as SQL.

A forwarded `track` call keeps the change under `properties`, a Public API object at the top level.
Everything downstream uses the columns made here and never a record's shape. In SQL
because it runs over a quarter of a million records at a time.
"""

import duckdb
import pyarrow as pa

from trail.core import catalogue, zone_abbreviations
from trail.core.limits import Limits
from trail.storage import search_text
from trail.storage.connection import Cursor, arrow, unordered

# Rows of one Arrow batch: its texts share a buffer of at most 2 GB.
_BATCH_ROWS = 16_384
# Reading so few records takes less time than planning how.
_FEW_ROWS = 2_048

# Only what is read; other keys cost nothing and stay in the raw record. What may hold further
# values for the search is read in two steps, which together cost what one would.
_SHAPE = """{
 "id":"VARCHAR","messageId":"VARCHAR","timestamp":"VARCHAR","originalTimestamp":"VARCHAR",
 "receivedAt":"VARCHAR","type":"VARCHAR","event":"VARCHAR","actor":"VARCHAR",
 "actorEmail":"VARCHAR","resourceId":"VARCHAR","resourceType":"VARCHAR","resourceName":"VARCHAR",
 "workspaceId":"VARCHAR","userId":"VARCHAR","properties":"JSON","details":"JSON"
}"""
_PROPERTIES = """{
 "type":"VARCHAR","workspace_id":"VARCHAR","details":{
  "resource_id":"VARCHAR","resource_type":"VARCHAR","subject":"VARCHAR","subject_id":"VARCHAR",
  "subject_type":"VARCHAR","subject_email":"VARCHAR","target":"VARCHAR","source_name":"VARCHAR",
  "name":"VARCHAR"}
}"""
_FIELDS = f"struct_update(o, properties := from_json(o.properties, '{_PROPERTIES}'))"

# Calls of Segment's tracking; only `track` can carry a change of a workspace.
_CALLS = "('track', 'identify', 'page', 'screen', 'group', 'alias')"

# The Public API names an actor, a resource or a workspace; a line of another product's log has a
# type and a time only.
_FROM_API = """(f.properties is null and coalesce(f.actor, f.actorEmail, f.resourceId,
  f.resourceType, f.resourceName, f.workspaceId) is not null)"""

# Product events may carry a type too; only audit events name a workspace or its resources.
# Details that are no object are read as one without members.
_OF_WORKSPACE = """(f.properties.workspace_id <> '' or coalesce(
  f.properties.details.resource_id, f.properties.details.resource_type,
  f.properties.details.subject, f.properties.details.subject_id,
  f.properties.details.subject_type, f.properties.details.subject_email,
  f.properties.details.target, f.properties.details.source_name) is not null)"""

# A time, and letters behind it that contain no slash: an abbreviation, not a name like
# Europe/London. The database would guess what it means.
_ABBREVIATED = (
    r"\s*([0-9][^+:]*:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]*)?)?)\s*([A-Za-z][A-Za-z0-9_+:-]*)\s*"
)
# After UTC or GMT, the sign is that of ISO 8601.
_FROM_UTC = r"(?:UTC|GMT)([+-][0-9]{1,2}(?::?[0-9]{2})?)"
_HOURS = ", ".join(f"'{name}': {hours}" for name, hours in zone_abbreviations.HOURS.items())

_TIME = f"""case
 when ends_with(said, 'Z') and strlen(said) >= 20 and not contains(said, ' ')
  then try_cast(said as timestamp)
 when regexp_full_match(said, '[0-9]{{10}}') then make_timestamp(said::bigint * 1000000)
 when regexp_full_match(said, '[0-9]{{13}}') then make_timestamp(said::bigint * 1000)
 when not regexp_full_match(said, '{_ABBREVIATED}')
  then try_cast(said as timestamptz) at time zone 'UTC'
 when regexp_full_match(regexp_extract(said, '{_ABBREVIATED}', 2), '{_FROM_UTC}', 'i')
  then try_cast(regexp_extract(said, '{_ABBREVIATED}', 1) || regexp_replace(
   regexp_extract(said, '{_FROM_UTC}', 1, 'i'), '^([+-])([0-9])(:|$)', '\\10\\2\\3')
   as timestamptz) at time zone 'UTC'
 else try_cast(regexp_extract(said, '{_ABBREVIATED}', 1) as timestamp) -
  to_hours(map {{{_HOURS}}}[upper(regexp_extract(said, '{_ABBREVIATED}', 2))]) end"""

# Hours of the day (AM, PM) are no zone; the reason for their refusal is another.
_AMBIGUOUS = f"""case
 when regexp_full_match(said, '{_ABBREVIATED}') and not regexp_full_match(said, '(?i).*[AP]M\\s*')
  and map {{{_HOURS}}}[upper(regexp_extract(said, '{_ABBREVIATED}', 2))] is null
  and not regexp_full_match(regexp_extract(said, '{_ABBREVIATED}', 2), '{_FROM_UTC}', 'i')
 then regexp_extract(said, '{_ABBREVIATED}', 2) else '' end"""

# Marked for `actors.resolve`: the field that names the actor decides how its text is read.
_WHO = """case
 when f.properties.details.subject <> '' then 's:' || f.properties.details.subject
 when f.properties.details.subject_id <> '' then
  'i:' || coalesce(f.properties.details.subject_type, '') || ':' || f.properties.details.subject_id
 when f.actor <> '' and f.actorEmail <> '' then 'e:' || f.actor
 when f.actor <> '' then 'a:' || f.actor
 else 'u:' || coalesce(nullif(f.userId, ''), nullif(f.properties.details.subject_email, ''),
  f.actorEmail, '') end"""

# A target's type has one spelling: the API says `Tracking Plans` where calls say `tracking_plan`.
_TARGET_TYPE = """case when said_type = lower(said_type) and not ends_with(said_type, 's')
  and not contains(said_type, ' ') then said_type
 else regexp_replace(replace(lower(trim(said_type)), ' ', '_'), '([^s])s$', '\\1') end"""

_SEPARATOR = "\n"
_NAMES = {
    name.casefold() for action in catalogue.ACTIONS for name in (action.name, *action.aliases)
}


def _names_by_bytes() -> str:
    """Return SQL for a list of texts: the names of so many bytes each, between separators."""
    sized: dict[int, list[str]] = {}
    for name in sorted(_NAMES):
        sized.setdefault(len(name.encode()), []).append(name.replace("'", "''"))
    texts = [_SEPARATOR.join(["", *sized.get(size + 1, []), ""]) for size in range(max(sized))]
    return ", ".join(f"'{text}'" for text in texts)


# A list of all names costs more to plan; one text of them all costs more to search.
_KNOWN_NAMES = _names_by_bytes()


def _known(text: str) -> str:
    """Return SQL for whether *text* is the name of a known action."""
    name, mark = f"lower({text})", f"'{_SEPARATOR}'"
    return (
        f"coalesce(contains([{_KNOWN_NAMES}][strlen({name})], {mark} || {name} || {mark}), false)"
    )


# The trail's own events may reach a source, which then reports a new event.
_ECHO = f"""case when action_raw in ('New Event Allowed', 'New Event Blocked') then
  lower(f.properties.details.name) = 'audit' or {_known("f.properties.details.name")}
 else false end"""


def parse(
    relation: str,
    into: str,
    limits: Limits,
    *,
    trusted: bool,
    named: bool = False,
    mapped: bool = False,
) -> str:
    """Return SQL that makes the temporary table *into* from *relation*; see `read`."""
    query = read(relation, limits, trusted=trusted, named=named, mapped=mapped)
    return f"create or replace temp table {into} as\n{query}"


def table(
    cursor: Cursor,
    relation: str,
    rows: int,
    limits: Limits,
    *,
    trusted: bool,
    named: bool = False,
    mapped: bool = False,
) -> pa.Table:
    """Return what `read` says of the *rows* records of *relation*, in batches in their order.

    The cursor must not be inside a transaction.
    """

    def found(*, careful: bool) -> pa.Table:
        sql = read(relation, limits, trusted=trusted, named=named, mapped=mapped, careful=careful)
        if rows <= _FEW_ROWS:
            return unordered(cursor, sql).sort_by("pos")
        return arrow(cursor, sql, batch_rows=_BATCH_ROWS)

    try:
        result = found(careful=False)
    except duckdb.InvalidInputException:
        result = found(careful=True)
    # Each thread reads on from where it began.
    batches = sorted(result.to_batches(), key=lambda batch: batch["pos"][0].as_py())
    return pa.Table.from_batches(batches, result.schema)


def read(
    relation: str,
    limits: Limits,
    *,
    trusted: bool,
    named: bool = False,
    mapped: bool = False,
    careful: bool = True,
) -> str:
    """Return a query that reads the records of *relation*.

    *relation* has the columns pos, line, raw and content_id. The result has pos, line, event_id,
    occurred_at (UTC), action_raw, who, email, target_type, target_id, target_name, workspace_id,
    forwarded (not by the Public API), echo (about an event that the trail itself forwarded),
    search_text, reason (empty when it is an event), slow (true when only the strict reader may
    decide; never for *trusted* text, which it has already read).

    A call is an audit event if it is named `Audit` or names a workspace or its resources; with
    *named*, also by the name of a known action. With *mapped*, any record with a type is one.
    Without *careful*, the query fails at the first text that is no JSON, and costs less.
    """
    doubtful = "false" if trusted else _doubtful(limits)
    audit = f"lower(f.event) = 'audit' or {_OF_WORKSPACE}"
    if named:
        audit = f"{audit} or {_known('f.event')}"
    any_type = "true" if mapped else "false"
    json = f"from_json(raw, '{_SHAPE}')"
    json = f"try({json})" if careful else json
    # Strict JSON decides in the slow lane; the fast parser would also take NaN and `[1,]`.
    events = f"""
select pos, line, event_id, occurred_at, action_raw, who, email, {_TARGET_TYPE} as target_type,
 target_id, target_name, workspace_id, forwarded, echo, properties, details,
 plain_bytes, said_type, case
  when unread then 'Not read'
  when action_raw = '' and call = 'track' and lower(name) = 'audit'
   then 'Not an audit event: a track call without a type'
  when action_raw = '' and call = 'track' then 'Not an audit event: product track call'
  when action_raw = '' and call <> '' then 'Not an audit event: ' || call || ' call'
  when action_raw = '' and coalesce(kind, '') = '' then 'Not an audit event: no type'
  when action_raw = '' then 'Not an audit event: no actor, target or workspace'
  when said = '' then 'No time'
  when occurred_at is null or occurred_at not between timestamp '2000-01-01' and timestamp
   '2100-01-01' then case when {_AMBIGUOUS} <> ''
    then 'Ambiguous time zone ' || left({_AMBIGUOUS}, 40) || ': use an offset such as +01:00'
    else 'Time not understood: ' || left(said, 60) end
  else '' end as reason,
 unread or coalesce(event_id, '') = '' as slow
from timed"""
    return f"""
with outside as (
 select pos, line, content_id, {doubtful} as doubtful,
  case when strlen(raw) <= {limits.line_bytes} then {json} end as o
 from {relation}
), read as (
 select pos, line, content_id, doubtful, case when o is not null then {_FIELDS} end as f,
  o.properties::varchar as properties, o.details::varchar as details from outside
), said as (
 select pos, line, properties, details, {search_text.PLAIN_BYTES} as plain_bytes,
  f is null or doubtful as unread,
  case when {_FROM_API} then '' when lower(f.type) in {_CALLS} then lower(f.type)
   when f.properties is not null then 'track' else '' end as call,
  coalesce({_unless_blank("f.messageId")}, {_unless_blank("f.id")}, content_id) as event_id,
  coalesce(nullif(f.timestamp, ''), nullif(f.originalTimestamp, ''), f.receivedAt, '') as said,
  case when call = 'track' then
   case when {audit} then coalesce(nullif(f.properties.type, ''),
    case when lower(f.event) <> 'audit' then f.event end, '') else '' end
   when call <> '' then ''
   when {_FROM_API} or {any_type} then coalesce(f.type, '')
   when {_known("f.type")} then f.type
   else '' end as action_raw,
  f.event as name, f.type as kind,
  {_WHO} as who,
  coalesce(nullif(f.properties.details.subject_email, ''), f.actorEmail, '') as email,
  coalesce(nullif(f.properties.details.resource_type, ''), f.resourceType, '') as said_type,
  coalesce(nullif(f.properties.details.resource_id, ''), f.resourceId, '') as target_id,
  coalesce(nullif(f.properties.details.target, ''), nullif(f.resourceName, ''),
   f.properties.details.source_name, '') as target_name,
  coalesce(nullif(f.properties.workspace_id, ''), f.workspaceId, '') as workspace_id,
  coalesce(f.messageId is not null or f.properties is not null, false) as forwarded,
  coalesce({_ECHO}, false) as echo
 from read
), timed as (select *, {_TIME} as occurred_at from said)
{search_text.read(events)}"""


def _unless_blank(text: str) -> str:
    # Only text whose first letter sorts before "!" can be blank; the expression stays cheap.
    return f"case when {text} < '!' and regexp_full_match({text}, '\\s*') then null else {text} end"


def _doubtful(limits: Limits) -> str:
    # The two words are no strings where a value begins; ids contain them too.
    words = r"[:,\[\s]-?(NaN|Infinity)"
    # Counting brackets costs; a short record cannot nest deep enough to matter.
    deep = " + ".join(f"strlen(raw) - strlen(replace(raw, '{mark}', ''))" for mark in "{[")
    return f"""(contains(raw, ',}}') or contains(raw, ',]')
   or case when contains(raw, 'NaN') or contains(raw, 'Infinity')
    then regexp_matches(raw, '{words}') else false end
   or case when strlen(raw) > 1500 then {deep} > {limits.depth} else false end)"""
