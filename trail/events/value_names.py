"""The values of a filter by the names that people know them by, as in a link typed by hand.

A link has the ids of actors and targets and the exact names of categories and actions. A display
name, an e-mail or another case of letters that can mean only one of them is read as that one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from trail.core import catalogue
from trail.core.actors import TYPE_NAMES
from trail.events import actor_names
from trail.storage import collected_by, workspaces
from trail.storage.engine import Engine
from trail.storage.filters import Choice, Filter
from trail.storage.record_text import fold

_MOST_MEANT = 3


@dataclass(frozen=True, slots=True)
class Misnamed:
    """A value of a filter that names nothing, or more than one thing.

    `meant` are the values that it may stand for, with their names, closest first; all of them if
    it `is_ambiguous`, else those that are spelled similarly.
    """

    facet: str
    value: str
    meant: tuple[tuple[str, str], ...] = ()
    is_ambiguous: bool = False

    @property
    def names(self) -> list[str]:
        """Return the names of `meant`, with the value where that is something else."""
        return [name if name == value else f"{name} ({value})" for value, name in self.meant]

    def __str__(self) -> str:
        noun, names = NOUNS[self.facet], self.names
        if self.is_ambiguous:
            more = f" and {len(names) - _MOST_MEANT:,} more" if len(names) > _MOST_MEANT else ""
            listed = ", ".join(names[:_MOST_MEANT]) + more
            return f"More than one {noun} is called “{self.value}”: {listed}. Use one of these IDs."
        suggestion = f" Did you mean {' or '.join(names)}?" if names else ""
        return f"No {noun} is called “{self.value}”.{suggestion}"


# The facets whose values have names, and what one value is called.
NOUNS: Mapping[str, str] = {
    "category": "category",
    "action": "action",
    "actor": "actor",
    "actor_type": "type of actor",
    "target_type": "type of target",
    "target": "target",
    "outcome": "outcome",
    "kind": "kind",
    "source": "way of collection",
    "workspace": "workspace",
}


def resolve(engine: Engine, filter_: Filter) -> tuple[Filter, tuple[Misnamed, ...]]:
    """Return *filter_* with ids in place of names, and the values that cannot be read as one.

    The latter stay in the filter, and match nothing.
    """
    choices = dict(filter_.choices)
    misnamed: list[Misnamed] = []
    for facet in NOUNS:
        choice = filter_.choice(facet)
        values = list(dict.fromkeys((*choice.include, *choice.exclude)))
        if not values:
            continue
        meanings = _MEANINGS.get(facet, _of_vocabulary)(engine, facet, values)
        read: dict[str, str] = {}
        for value in values:
            meant = meanings[value]
            read[value] = meant[0][0] if len(meant) == 1 else value
            if len(meant) > 1:
                misnamed.append(Misnamed(facet, value, meant, is_ambiguous=True))
            elif not meant:
                misnamed.append(Misnamed(facet, value, _similar(engine, facet, value)))
        choices[facet] = Choice(
            tuple(dict.fromkeys(read[value] for value in choice.include)),
            tuple(dict.fromkeys(read[value] for value in choice.exclude)),
        )
    return replace(filter_, choices=choices), tuple(misnamed)


def labels(engine: Engine, filters: Iterable[Filter]) -> dict[tuple[str, str], str]:
    """Return the names of the actors and workspaces that *filters* choose, by facet and value."""

    def chosen(facet: str) -> list[str]:
        choices = [filter_.choice(facet) for filter_ in known]
        return [value for choice in choices for value in (*choice.include, *choice.exclude)]

    known = list(filters)
    actors = actor_names.display_names(engine, chosen("actor"))
    named = {("actor", value): name for value, name in actors.items()}
    if ids := chosen("workspace"):
        by_id = workspaces.labels(engine, ids)
        named |= {("workspace", value): by_id[value] for value in ids}
    return named


def actor_id(engine: Engine, name: str) -> str:
    """Return the id of the actor that only *name* can mean, else *name*."""
    named, _ = resolve(engine, Filter().put("actor", name, "include") if name else Filter())
    return next(iter(named.choice("actor").include), name)


# The values that each value means, with their names.
_Meanings = dict[str, tuple[tuple[str, str], ...]]


def _meanings(values: Iterable[str], rows: Iterable[tuple[str, str, str]]) -> _Meanings:
    """Return the meanings of *values*; *rows* have the typed text, the value and its name."""
    found: dict[str, dict[str, str]] = {value: {} for value in values}
    for typed, value, name in rows:
        found[typed][value] = name
    return {typed: tuple(sorted(meant.items())) for typed, meant in found.items()}


def actor_ids(engine: Engine, names: list[str]) -> dict[str, list[str]]:
    """Return the actors that a filter with each of *names* chooses: by id, or by a proven e-mail.

    An id is also recognized as it was recorded before it was joined to another one.
    """
    table = engine.table(
        "select distinct name, actor_id from (select unnest($names) as name) join ("
        "select actor_id, actor_id as known from actors union all "
        "select actor_id, actor_email from actors union all "
        "select p.actor_id, unnest([i.recorded_actor_id, if(i.proven, i.actor_email, '')]) "
        "from identities i join actors p using (actor_key) union all "
        "select actor_id, actor_id from people) on known = name",
        {"names": names},
    )
    ids: dict[str, list[str]] = {name: [] for name in names}
    for row in table.to_pylist():
        ids[row["name"]].append(row["actor_id"])
    return {name: sorted(found) for name, found in ids.items()}


# What people may call an actor, and its id; of a record only what it proves.
_KNOWN_ACTORS = (
    "select actor_id, unnest([actor_id, actor_name, actor_email, "
    f"{actor_names.DISPLAY}]) as known from actors union all "
    "select actor_id, unnest([actor_id, name, email]) from people union all "
    "select p.actor_id, unnest([i.actor_name, i.actor_email]) "
    "from identities i join actors p using (actor_key) where i.proven"
)


def _of_actors(engine: Engine, _facet: str, values: list[str]) -> _Meanings:
    exact = actor_ids(engine, values)
    unknown = [value for value, ids in exact.items() if not ids]
    rows = []
    if unknown:
        table = engine.table(
            "select distinct typed, actor_id from (select unnest($values) as typed) "
            f"join ({_KNOWN_ACTORS}) on {fold('known')} = {fold('typed')} where typed <> ''",
            {"values": unknown},
        )
        rows = [(row["typed"], row["actor_id"]) for row in table.to_pylist()]
    labels = actor_names.display_names(engine, [actor for _, actor in rows])
    # An e-mail of several actors, as an address that moved, chooses them all.
    known = [
        (value, ids[0] if len(ids) == 1 else value, value) for value, ids in exact.items() if ids
    ]
    return _meanings(values, [*known, *((typed, id_, labels[id_]) for typed, id_ in rows)])


def _of_targets(engine: Engine, _facet: str, values: list[str]) -> _Meanings:
    table = engine.table(
        "select target_id as typed from targets where list_contains($values, target_id) "
        "union select target_name from targets where list_contains($values, target_name)",
        {"values": values},
    )
    exact = table["typed"].to_pylist()
    unknown = [value for value in values if value not in exact]
    rows = [(value, value, value) for value in exact]
    if unknown:
        # The search text is folded already: its type, ID and name.
        table = engine.table(
            "with texts as (select distinct target_id, target_name, "
            "split_part(search_text, chr(31), 2) as id, "
            "split_part(search_text, chr(31), 3) as name "
            f"from targets), typed as (select typed, {fold('typed')} as folded "
            "from (select unnest($values) as typed)) "
            "select distinct typed, target_id as value from typed join texts on id = folded "
            "where target_id <> '' union "
            "select typed, target_name from typed join texts on name = folded "
            "where target_name <> ''",
            {"values": unknown},
        )
        rows += [(row["typed"], row["value"], row["value"]) for row in table.to_pylist()]
    return _meanings(values, rows)


def _of_vocabulary(engine: Engine, facet: str, values: list[str]) -> _Meanings:
    known = _vocabulary(engine, facet)
    rows = [
        (typed, value, _shown(facet, value, names))
        for typed in values
        for value, names in known.items()
        if (typed in known and value == typed)
        or (typed not in known and _plain(typed) in {_plain(name) for name in (value, *names)})
    ]
    return _meanings(values, rows)


def _shown(facet: str, value: str, names: tuple[str, ...]) -> str:
    """Return what messages call *value*: a workspace, which has an ID, by its name."""
    return names[-1] if facet == "workspace" else value


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _vocabulary(engine: Engine, facet: str) -> dict[str, tuple[str, ...]]:
    """Return the values of *facet*, with the names that they have besides."""
    if facet == "actor_type":
        return {value: (name,) for value, name in TYPE_NAMES.items()}
    if facet == "source":
        loaders = engine.table(f"select distinct {collected_by.SQL} as value from batches")
        known = dict.fromkeys(loaders["value"].to_pylist(), "") | dict(collected_by.NAMES)
        return {value: (name,) for value, name in known.items()}
    if facet == "workspace":
        named = workspaces.labels(engine, workspaces.stored(engine))
        more = workspaces.names(engine)
        return {value: (name, more.get(value, name)) for value, name in named.items()}
    fixed, sql = _VALUES[facet]
    stored = engine.table(sql)["value"].to_pylist() if sql else ()
    return {value: () for value in dict.fromkeys((*fixed, *stored)) if value}


_VALUES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "category": (catalogue.CATEGORIES, "select distinct category as value from actions"),
    "action": (
        tuple(action.name for action in catalogue.ACTIONS),
        "select distinct action as value from actions",
    ),
    "outcome": (catalogue.OUTCOMES, ""),
    "kind": (catalogue.KINDS, "select distinct kind as value from actions"),
    "target_type": ((), "select distinct target_type as value from targets"),
}

_MEANINGS: Mapping[str, Callable[[Engine, str, list[str]], _Meanings]] = {
    "actor": _of_actors,
    "target": _of_targets,
}

# Names with the typed text in them, or with few other letters; the closest first.
_SIMILAR = f"""
with names as ({{names}}), typed as (select {fold("$typed")} as typed)
select value, arg_min(name, distance) as closest from (
 select value, name, if(contains({fold("name")}, typed), 0,
  damerau_levenshtein({fold("name")}, typed)) as distance
 from names, typed where name <> '' and length(name) <= {{longest}}
  and (contains({fold("name")}, typed) or abs(length(name) - length(typed)) <= $most)
) where distance <= $most group by value
order by min(distance), length(closest), closest limit {_MOST_MEANT}
"""
_LEAST_CHARS, _MOST_CHARS = 3, 60


def _similar(engine: Engine, facet: str, typed: str) -> tuple[tuple[str, str], ...]:
    """Return the values whose names are similar to *typed*, with the names."""
    if not _LEAST_CHARS <= len(typed) <= _MOST_CHARS:
        return ()
    params: dict[str, object] = {"typed": typed, "most": max(len(typed) // 3, 1)}
    if facet == "actor":
        names = (
            f"select actor_id as value, {actor_names.DISPLAY} as name from actors union "
            "select actor_id, actor_email from actors"
        )
    elif facet == "target":
        names = "select distinct target_name as value, target_name as name from targets"
    else:
        names = "select unnest($values) as value, unnest($names) as name"
        known = _vocabulary(engine, facet)
        params["values"] = list(known)
        params["names"] = [_shown(facet, value, names) for value, names in known.items()]
    rows = engine.table(_SIMILAR.format(names=names, longest=4 * _MOST_CHARS), params).to_pylist()
    labels = (
        actor_names.display_names(engine, [row["value"] for row in rows])
        if facet == "actor"
        else {}
    )
    return tuple((row["value"], labels.get(row["value"], row["closest"])) for row in rows)
