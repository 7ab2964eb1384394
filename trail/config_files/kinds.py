"""The kinds of entries in files: how each is read, checked, written and deleted.

Entries are compared in their exported form: without defaults, with names in place of IDs, and with
secrets by name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from trail.attention import digest_schedules, digest_yaml
from trail.attention.digest_schedules import DigestSchedule
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.notifications import destinations, rule_store, yaml_rules
from trail.notifications.destination import Destination
from trail.notifications.rule import parse_rule
from trail.storage import query_pairs
from trail.storage.connection import Cursor
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.inside import Inside
from trail.views import saved_views, view
from trail.views.view import View, Viewer, checked_columns, checked_name, query_of

Entry = dict[str, Any]
# The case-folded names of all destinations after the files are applied.
Names = frozenset[str]
Thing = TypeVar("Thing", Destination, DigestSchedule, View)

# Owns the views that come from files.
FILES = Viewer(view.FILES, "Configuration files", manages=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing, in the file `NAME.yaml` under the key `NAME`.

    `existing` returns the entries that are stored; `parse` an entry in the form of those, or
    raises `InputError`. `write` stores a parsed entry, in place of one of the same name; `remove`
    deletes the entry of that name; both inside a transaction.
    """

    name: str
    noun: str
    existing: Callable[[Engine], list[Entry]]
    parse: Callable[[Entry, Settings, Names], Entry]
    write: Callable[[Cursor, Settings, Entry, str], object]
    remove: Callable[[Cursor, str], object]

    def check_change(self, before: Entry, after: Entry) -> None:
        """Raise `InputError` if the entry *before* cannot become *after*."""
        if self.name == "destinations" and before["kind"] != after["kind"]:
            raise InputError(
                f"Destination {after['name']!r}: kind is {before['kind']!r} and cannot be changed.",
                "Use another name for the new destination.",
            )


def _rules(engine: Engine) -> list[Entry]:
    return [yaml_rules.to_entry(rule) for rule in rule_store.list_all(engine)]


def _parse_rule(entry: Entry, _: Settings, names: Names) -> Entry:
    rule = parse_rule(entry)
    unknown = [name for name in rule.destinations if name.casefold() not in names]
    if unknown:
        raise InputError(
            f"Rule {rule.name!r}: destinations contains {unknown[0][:80]!r}, which does not exist.",
            "Add it first.",
        )
    query = query_pairs.from_kept(query_pairs.to_keep(rule.query))
    return yaml_rules.to_entry(replace(rule, query=query))


def _write_rule(cursor: Cursor, _: Settings, entry: Entry, by: str) -> None:
    rule = parse_rule(entry)
    number = _rule_ids(cursor).get(rule.name.casefold(), 0)
    rule_store.save(cursor, replace(rule, rule_id=number), by)


def _remove_rule(cursor: Cursor, name: str) -> None:
    if number := _rule_ids(cursor).get(name.casefold()):
        rule_store.remove(cursor, number)


def _rule_ids(cursor: Cursor) -> dict[str, int]:
    return {rule.name.casefold(): rule.rule_id for rule in rule_store.list_all(Inside(cursor))}


_DESTINATION = {
    "kind": str,
    "settings": dict,
    "secrets": dict,
    "streams": bool,
    "query": str,
    "seals": bool,
    "active": bool,
}


def _destinations(engine: Engine) -> list[Entry]:
    return [_destination_entry(one) for one in destinations.list_all(engine)]


def _destination_entry(one: Destination) -> Entry:
    # A destination switched off by an error counts as on.
    values = {name: getattr(one, name) for name in _DESTINATION if name != "active"}
    values |= {"settings": dict(one.settings), "secrets": dict(one.secrets)}
    entry = {"name": one.name, **{name: value for name, value in values.items() if value}}
    return entry | ({"active": False} if one.state == "paused" else {})


def _destination(entry: Entry) -> Destination:
    name = str(entry.get("name", ""))
    for key, value in entry.items():
        kind = str if key == "name" else _DESTINATION.get(key)
        if kind is None:
            allowed = ", ".join(sorted(["name", *_DESTINATION]))
            raise InputError(
                f"Destination {name[:80]!r}: unknown entry {key!r}.", f"Allowed: {allowed}."
            )
        of_text = not isinstance(value, dict) or all(
            isinstance(item, str) for pair in value.items() for item in pair
        )
        if not isinstance(value, kind) or not of_text:
            words = {dict: "a mapping of names to text", bool: "true or false", str: "text"}[kind]
            raise InputError(f"Destination {name[:80]!r}: {key} must be {words}.")
    values = {"kind": "", **entry}
    state = "on" if values.pop("active", True) else "paused"
    return Destination(0, **values, state=state)


def _parse_destination(entry: Entry, settings: Settings, _: Names) -> Entry:
    parsed = _destination(entry)
    parsed.check(settings.forward)
    query = query_pairs.from_kept(query_pairs.to_keep(parsed.query))
    return _destination_entry(replace(parsed, query=query))


def _write_destination(cursor: Cursor, settings: Settings, entry: Entry, by: str) -> None:
    given = _destination(entry)
    existing = _stored_destination(cursor, given.name)
    if existing:
        number = existing.destination_id
        destinations.update(cursor, replace(given, destination_id=number), settings.forward)
    else:
        number = destinations.add(cursor, given, settings.forward, by)
    if given.state == "paused" or (existing and existing.state == "paused"):
        destinations.set_state(cursor, number, given.state)


def _remove_destination(cursor: Cursor, name: str) -> None:
    if existing := _stored_destination(cursor, name):
        destinations.remove(cursor, existing.destination_id)


def _stored_destination(cursor: Cursor, name: str) -> Destination | None:
    return _named(destinations.list_all(Inside(cursor)), name)


def _digests(engine: Engine) -> list[Entry]:
    names = {item.destination_id: item.name for item in destinations.list_all(engine)}
    return [digest_yaml.to_entry(one, names) for one in digest_schedules.list_all(engine)]


def _parse_digest(entry: Entry, _: Settings, names: Names) -> Entry:
    schedule = digest_yaml.parse_entry(entry, dict.fromkeys(names, 1))
    return digest_yaml.to_entry(schedule, {1: str(entry["destination"])})


def _write_digest(cursor: Cursor, _: Settings, entry: Entry, by: str) -> None:
    receivers = destinations.list_all(Inside(cursor))
    numbers = {one.name.casefold(): one.destination_id for one in receivers}
    schedule = digest_yaml.parse_entry(entry, numbers)
    existing = _stored_digest(cursor, schedule.name)
    changed = digest_yaml.changed_by(existing, schedule) if existing else schedule
    digest_schedules.save(cursor, changed, by, utc_now())


def _remove_digest(cursor: Cursor, name: str) -> None:
    if existing := _stored_digest(cursor, name):
        digest_schedules.remove(cursor, existing.schedule_id)


def _stored_digest(cursor: Cursor, name: str) -> DigestSchedule | None:
    return _named(digest_schedules.list_all(Inside(cursor)), name)


def _views(engine: Engine) -> list[Entry]:
    return [_view_entry(one.name, one.query, one.columns) for one in _shared(engine)]


def _view_entry(name: str, query: str, columns: Any) -> Entry:
    entry = {"name": name, "query": query, "columns": list(columns)}
    return {key: value for key, value in entry.items() if value or key == "name"}


def _shared(engine: Engine) -> list[View]:
    views = saved_views.visible(engine, FILES.account)
    return [one for one in views if one.shared and not one.is_built_in]


def _parse_view(entry: Entry, _: Settings, _names: Names) -> Entry:
    name, columns = entry.get("name", ""), entry.get("columns", [])
    unknown = sorted(set(entry) - {"name", "query", "columns"})
    if unknown:
        raise InputError(
            f"View {str(name)[:80]!r}: unknown entry {unknown[0]!r}.",
            "Allowed: columns, name, query.",
        )
    if not isinstance(name, str) or not isinstance(entry.get("query", ""), str):
        raise InputError(f"View {str(name)[:80]!r}: name and query must be text.")
    if not isinstance(columns, list) or not all(isinstance(one, str) for one in columns):
        raise InputError(f"View {name[:80]!r}: columns must be a list of names.")
    checked_columns(columns)
    query = query_of(Filter.parse(entry.get("query", "")))
    return _view_entry(checked_name(name), query, columns)


def _write_view(cursor: Cursor, _: Settings, entry: Entry, _by: str) -> None:
    filter_, columns = Filter.parse(entry.get("query", "")), entry.get("columns", [])
    if existing := _stored_view(cursor, entry["name"]):
        saved_views.replace_content(cursor, FILES, existing.view_id, filter_, columns)
    else:
        saved_views.add(cursor, FILES, entry["name"], filter_, columns=columns, shared=True)


def _remove_view(cursor: Cursor, name: str) -> None:
    if existing := _stored_view(cursor, name):
        saved_views.remove(cursor, FILES, existing.view_id)


def _stored_view(cursor: Cursor, name: str) -> View | None:
    return _named(_shared(Inside(cursor)), name)


def _named(things: Iterable[Thing], name: str) -> Thing | None:
    """Return the entry of that name, ignoring case."""
    return next((one for one in things if one.name.casefold() == name.casefold()), None)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "destinations",
            "destination",
            _destinations,
            _parse_destination,
            _write_destination,
            _remove_destination,
        ),
        Kind("rules", "rule", _rules, _parse_rule, _write_rule, _remove_rule),
        Kind("digests", "digest", _digests, _parse_digest, _write_digest, _remove_digest),
        Kind("views", "view", _views, _parse_view, _write_view, _remove_view),
    )
}
"""By name, in the order in which they are applied: referenced kinds come first."""
