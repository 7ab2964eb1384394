"""The display name of an actor: one for each id, wherever it is shown.

It is the name of the directory, else the latest proven e-mail, else the id (of a token without
`tokens/`), as known when it is read and not at the time of the event. What an event recorded is
never changed by it: where that is another name or e-mail, it is shown beside the display name.
"""

from collections.abc import Iterable

from trail.core import event_text
from trail.storage.engine import Engine


def _display(name: str, email: str, actor_id: str) -> str:
    id_ = f"regexp_replace({actor_id}, '^{event_text.HIDDEN_TYPE}', '')"
    return f"coalesce(nullif({name}, ''), nullif({email}, ''), {id_})"


# SQL over the table `actors`, and over it where it is named `p`.
DISPLAY = _display("actor_name", "actor_email", "actor_id")
DISPLAY_P = _display("p.actor_name", "p.actor_email", "p.actor_id")

# What the record of an event says of its actor: a name, else an e-mail, else an id.
RECORDED = "coalesce(nullif(actor_name, ''), nullif(actor_email, ''), recorded_actor_id)"
# The same as far as it is another name or e-mail than the actor has now; see `IDENTITIES`.
RECORDED_AS = (
    "case when actor_name not in ('', current_name) then actor_name "
    "when lower(actor_email) not in ('', lower(current_email), lower(current)) then actor_email end"
)
# Identities beside what their actors are called now.
IDENTITIES = (
    "(select i.*, coalesce(p.actor_name, '') as current_name, "
    f"coalesce(p.actor_email, '') as current_email, {DISPLAY_P} as current "
    "from identities i join actors p using (actor_key))"
)

_NAMES = f"""
with named as (
 select actor_id, {DISPLAY} as label, 1 as place from actors where list_contains($ids, actor_id)
 union all
 select l.recorded_id, {DISPLAY_P}, 2 from actor_aliases l join actors p using (actor_id)
 where list_contains($ids, l.recorded_id)
 union all
 select actor_id, {_display("name", "email", "actor_id")}, 3 from people
 where list_contains($ids, actor_id)
)
select actor_id, arg_min(label, place) as label from named group by actor_id
"""


def display_names(engine: Engine, actor_ids: Iterable[str]) -> dict[str, str]:
    """Return the display name of each of *actor_ids*, also of those that no event has.

    An id that was joined to another actor has the name of that one.
    """
    ids = sorted(set(actor_ids))
    if not ids:
        return {}
    table = engine.table(_NAMES, {"ids": ids})
    found = dict(zip(table["actor_id"].to_pylist(), table["label"].to_pylist(), strict=True))
    return {id_: found.get(id_) or event_text.id_as_name(id_) for id_ in ids}
