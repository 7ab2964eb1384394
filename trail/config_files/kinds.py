"""What files can describe: how each kind is read, checked, written and deleted.

Entries are compared in the form in which they are exported: without defaults, with names in place
of IDs, and secrets by the name under which they are stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trail.attention import digest_schedules, digest_yaml
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.notifications import destinations, rule_store, yaml_rules
from trail.notifications.destinations import Destination
from trail.notifications.rule import parse_rule
from trail.storage import query_pairs
from trail.storage.database import Engine, Store
from trail.storage.filters import Filter
from trail.views import saved_views, view
from trail.views.view import View, Viewer, checked_columns, checked_name, query_of

Entry = dict[str, Any]
# The names of all destinations, case-folded, once the files are applied.
Names = frozenset[str]

# Owns the views that come from files.
FILES = Viewer(view.FILES, "Configuration files", manages=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing, in the file `NAME.yaml` under the key `NAME`.

    `existing` returns the entries that are stored; `parse` an entry in the form of those, or
    raises `InputError`. `write` stores a parsed entry, in place of one of the same name; `remove`
    deletes the one of that name.
    """

    name: str
    noun: str
    existing: Callable[[Engine], list[Entry]]
    parse: Callable[[Entry, Settings, Names], Entry]
    write: Callable[[Store, Settings, Entry, str], None]
    remove: Callable[[Store, str], None]

    def check_change(self, before: Entry, after: Entry) -> None:
        """Raise `InputError` if the entry *before* cannot become *after*."""
        if self.name == "destinations" and before["kind"] != after["kind"]:
            raise InputError(
                f"Destination {after['name']!r}: kind is {before['kind']!r} and cannot be changed.",
                "Give the new one another name.",
            )


def _rules(engine: Engine) -> list[Entry]:
    return [yaml_rules.to_entry(rule) for rule in rule_store.list_all(engine)]


def _parse_rule(entry: Entry, _: Settings, names: Names) -> Entry:
    rule = parse_rule(entry)
    unknown = [name for name in rule.destinations if name.casefold() not in names]
    if unknown:
        raise InputError(
            f"Rule {rule.name!r}: unknown destinations {unknown[0][:80]!r}.", "Add it first."
        )
    query = query_pairs.from_kept(query_pairs.to_keep(rule.query))
    return yaml_rules.to_entry(replace(rule, query=query))


def _write_rule(store: Store, _: Settings, entry: Entry, by: str) -> None:
    rule = parse_rule(entry)
    number = _numbers(store).get(rule.name.casefold(), 0)
    store.write(lambda cursor: rule_store.save(cursor, replace(rule, rule_id=number), by))


def _remove_rule(store: Store, name: str) -> None:
    number = _numbers(store)[name.casefold()]
    store.write(lambda cursor: rule_store.remove(cursor, number))


def _numbers(engine: Engine) -> dict[str, int]:
    return {rule.name.casefold(): rule.rule_id for rule in rule_store.list_all(engine)}


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
    # One that was switched off after an error is meant to be on.
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
            words = {dict: "names with texts", bool: "true or false", str: "text"}[kind]
            raise InputError(f"Destination {name[:80]!r}: {key} must be {words}.")
    values = {"kind": "", **entry}
    state = "on" if values.pop("active", True) else "paused"
    return Destination(0, **values, state=state)


def _parse_destination(entry: Entry, settings: Settings, _: Names) -> Entry:
    parsed = _destination(entry)
    destinations.check(parsed, settings.forward)
    query = query_pairs.from_kept(query_pairs.to_keep(parsed.query))
    return _destination_entry(replace(parsed, query=query))


def _write_destination(store: Store, settings: Settings, entry: Entry, by: str) -> None:
    given = _destination(entry)
    existing = _stored_destination(store, given.name)

    def write(cursor: Any) -> None:
        if existing:
            number = existing.destination_id
            destinations.update(cursor, replace(given, destination_id=number), settings.forward)
        else:
            number = destinations.add(cursor, given, settings.forward, by)
        if given.state == "paused" or (existing and existing.state == "paused"):
            destinations.set_state(cursor, number, given.state)

    store.write(write)


def _remove_destination(store: Store, name: str) -> None:
    if existing := _stored_destination(store, name):
        store.write(lambda cursor: destinations.remove(cursor, existing.destination_id))


def _stored_destination(engine: Engine, name: str) -> Destination | None:
    found = (one for one in destinations.list_all(engine) if one.name.lower() == name.lower())
    return next(found, None)


def _digests(engine: Engine) -> list[Entry]:
    names = {item.destination_id: item.name for item in destinations.list_all(engine)}
    return [digest_yaml.to_entry(one, names) for one in digest_schedules.list_all(engine)]


def _parse_digest(entry: Entry, _: Settings, names: Names) -> Entry:
    schedule = digest_yaml.parse_entry(entry, dict.fromkeys(names, 1))
    return digest_yaml.to_entry(schedule, {1: str(entry["destination"])})


def _write_digest(store: Store, _: Settings, entry: Entry, by: str) -> None:
    numbers = {one.name.casefold(): one.destination_id for one in destinations.list_all(store)}
    schedule = digest_yaml.parse_entry(entry, numbers)
    existing = _stored_digest(store, schedule.name)
    changed = digest_yaml.changed_by(existing, schedule) if existing else schedule
    store.write(lambda cursor: digest_schedules.save(cursor, changed, by, utc_now()))


def _remove_digest(store: Store, name: str) -> None:
    if existing := _stored_digest(store, name):
        store.write(lambda cursor: digest_schedules.remove(cursor, existing.schedule_id))


def _stored_digest(engine: Engine, name: str) -> digest_schedules.DigestSchedule | None:
    found = (
        one for one in digest_schedules.list_all(engine) if one.name.casefold() == name.casefold()
    )
    return next(found, None)


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


def _write_view(store: Store, _: Settings, entry: Entry, _by: str) -> None:
    filter_, columns = Filter.parse(entry.get("query", "")), entry.get("columns", [])
    if existing := _stored_view(store, entry["name"]):
        saved_views.save(store, FILES, existing.view_id, filter_, columns)
    else:
        saved_views.create(store, FILES, entry["name"], filter_, columns=columns, shared=True)


def _remove_view(store: Store, name: str) -> None:
    if existing := _stored_view(store, name):
        saved_views.delete(store, FILES, existing.view_id)


def _stored_view(engine: Engine, name: str) -> View | None:
    found = (one for one in _shared(engine) if one.name.casefold() == name.casefold())
    return next(found, None)


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
"""By name, in the order in which they are applied: what others refer to comes first."""
