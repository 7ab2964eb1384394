"""The search text of an event: what a bare word can find in its record and in no other column.

A bare word is searched for in each value of a record. Most of these values are also the action, the
actor, the target or the workspace of the event, which stand in small tables. The search text holds
the others, folded; many events have none. Equal texts of events that were kept together are stored
once, in `search_texts`. So a search reads no records.

Long ids of hex digits are nearly all different and stand apart, in the column `codes`: without them
few different texts remain, which are searched at once, and most words cannot be in `codes`.
"""

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trail.storage import cursors, record_text
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

# The mark of the time (UTC, without zone) up to which, exclusive, events lack the search text.
BACKFILL = "search_text"

_DETAILS = ("resource_id", "resource_type", "subject", "subject_email", "target")

# The bytes of `properties` that holds the texts of the event and nothing else. A further value
# takes five bytes or more, and a character that is escaped takes more than itself; each value that
# is no string takes two less than reckoned. So all but two of the values must be strings for sure.
_PAIR_BYTES = len('"":"",')
_BYTES = " + ".join(
    f"coalesce(strlen(f.properties.details.{name}) + {len(name) + _PAIR_BYTES}, 0)"
    for name in _DETAILS
)
PLAIN_BYTES = f"""{len('{"details":{},"type":"","workspace_id":""}') - 1}
 + strlen(f.properties.type) + strlen(f.properties.workspace_id) + {_BYTES}"""


def _is_string(text: str) -> str:
    """Return SQL for whether *text* can only be a string in JSON; true for many texts."""
    return (
        f"({text} between 'A' and '[' or {text} between 'a' and '{{' "
        f"and {text} not in ('true', 'false'))"
    )


# Details of some types name the id of their target once more.
_PLAIN = f"""details is null and case strlen(properties) - plain_bytes when 0 then true
  when strlen(target_id) + {len("source_id") + _PAIR_BYTES}
  then contains(properties, concat('"source_id":"', target_id, '"'))
  when strlen(target_id) + {len("warehouse_id") + _PAIR_BYTES}
  then contains(properties, concat('"warehouse_id":"', target_id, '"'))
  else false end and starts_with(properties, '{{"details":{{') and said_type = target_type
  and (subject <> '' or not starts_with(who, 's:'))
  and {_is_string("action_raw")} and {_is_string("target_type")}
  and {_is_string("workspace_id")} and (email = '' or {_is_string("email")})"""

# Details without objects, lists and escapes inside, between what Segment's calls have around them.
_FLAT = r"""details is null and starts_with(properties, '{"details":{')
  and properties not like '%:{%:{%' and not contains(properties, '[')
  and not contains(properties, '\') and ends_with(properties,
   concat('},"type":"', action_raw, '","workspace_id":"', workspace_id, '"}'))
  and strlen(known) = length(known)"""

# Of what names the actor, the part that `actors.resolve` returns as it is.
SUBJECT = """case when starts_with(who, 's:users/') or starts_with(who, 's:tokens/')
   then case when who[-1:] between '!' and '~' then who[3:] else '' end
  when starts_with(who, 'i:user:') and regexp_full_match(who, 'i:user:[0-9A-Za-z]+')
   and lower(who) not in ('i:user:system', 'i:user:segment')
   then concat('users/', who[8:]) else '' end"""
_TEXTS = "target_id, target_name, target_type, subject, action_raw, email, workspace_id"

# The search text of a row of `targets`: its type, ID and name, folded. Also in migration 016.
TARGET = record_text.fold(record_text.joined("[target_type, target_id, target_name]"))

# What long ids of hex digits consist of, and the least bytes of one. Also in migration 017.
_CODE, _CODE_BYTES = "[0-9a-f-]+", 16
_IS_CODE = f"""case when strlen(v) < {_CODE_BYTES} then false
 else regexp_full_match(v, '{_CODE}') end"""

# The values that stand in no other column: of flat details; of any document, short or long. Each is
# read of a column that is null for the other events: the database takes several times as long for
# lists in the branches of a CASE.
_FEW = "list_filter(json_extract_string(flat, '$.details.*'), lambda v: not contains(known, v))"
_ALL = f"list_filter({record_text.leaves('short')}, lambda v: v not in ({_TEXTS}, ''))"
_FOUND = f"""concat({record_text.joined(_FEW)}, {record_text.joined(_ALL)},
 {record_text.tokens("long")})"""


def read(relation: str) -> str:
    """Return a query that gives each row of *relation* its `search_text`.

    *relation* has the columns properties and details (compact JSON, or null), and action_raw, who,
    email, target_type, target_id, target_name, workspace_id as `parse_sql.read` gives them,
    said_type (the target's type as written) and plain_bytes (see `PLAIN_BYTES`).
    """
    return f"""
select * exclude (properties, details, plain_bytes, said_type, subject, known, flat, document,
 short, long, found), nullif({record_text.fold("found")}, '') as search_text
from (select *, {_FOUND} as found
 from (select *, case when strlen(document) <= {record_text.SHORT} then document end as short,
  case when strlen(document) > {record_text.SHORT} then document end as long
 from (select *, case when known is not null and flat is null
  then '[' || concat_ws(',', properties, details) || ']' end as document
 from (select *, case when known is not null and {_FLAT} then properties end as flat
 from (select *, case when properties is null and details is null or {_PLAIN} then null
  else concat_ws(chr(31), {_TEXTS}) end as known
 from (select *, {SUBJECT} as subject from ({relation})))))))"""


def missing_until(engine: Engine) -> dt.datetime | None:
    """Return the time (UTC, without zone) up to which, exclusive, events lack the search text."""
    mark = cursors.get(engine, BACKFILL)
    return dt.datetime.fromisoformat(mark) if mark else None


def _those(text: str, condition: str) -> str:
    """Return SQL for the values `v` of the search text *text* that *condition* holds for."""
    return record_text.joined(f"list_filter(string_split({text}, chr(31)), lambda v: {condition})")


def kept(text: str) -> dict[str, str]:
    """Return SQL for what each column of `search_texts` keeps of the search text *text*."""
    return {
        "search_text": _those(text, f"not ({_IS_CODE})"),
        "codes": f"nullif({_those(text, _IS_CODE)}, '')",
    }


def columns_with(folded: str) -> tuple[str, ...]:
    """Return the columns of `search_texts` whose values may contain *folded*."""
    return ("search_text", "codes") if re.fullmatch(f"({_CODE})?", folded) else ("search_text",)


# The condition on `search_texts` that no event has the text any more.
UNUSED = "search_key not in (select search_key from events where search_key is not null)"


def add(cursor: Cursor, texts: pa.ChunkedArray) -> pa.Array:
    """Keep the search *texts* of events, each once; return the key of each, null without text."""
    last = cursor.execute("select coalesce(max(search_key), 0) from search_texts").fetchall()[0][0]
    encoded = pa.chunked_array(texts.chunks, texts.type).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    keys = pc.add(pc.cast(encoded.indices, pa.int32()), last + 1)
    if len(encoded.dictionary):
        numbers = np.arange(last + 1, last + 1 + len(encoded.dictionary), dtype=np.int32)
        cursor.register("new_texts", pa.table({"key": numbers, "text": encoded.dictionary}))
        columns = ", ".join(f"{sql} as {name}" for name, sql in kept("text").items())
        cursor.execute(
            f"insert into search_texts by name select key as search_key, {columns} from new_texts"
        )
        cursor.unregister("new_texts")
    return keys
