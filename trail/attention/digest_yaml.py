"""Export scheduled digests to YAML and import them, as alert rules are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from trail.attention import digest_schedules
from trail.attention.digest_schedules import WEEKDAYS, DigestSchedule
from trail.core import yaml_text
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.notifications import destinations
from trail.storage.connection import Cursor
from trail.storage.inside import Inside

# Entries with their types; the first two are required.
_TYPES: dict[str, type] = {
    "name": str,
    "destination": str,
    "cadence": str,
    "weekday": str,
    "hour": int,
    "zone": str,
    "findings": bool,
    "active": bool,
}
# The fields of a schedule that they set.
_STORED = tuple("destination_id" if name == "destination" else name for name in _TYPES)
_TYPE_NAMES = {str: "text", int: "a whole number", bool: "true or false"}


def export(schedules: Sequence[DigestSchedule], names: Mapping[int, str]) -> str:
    """Return *schedules* as YAML; *names* are those of the destinations by ID."""
    entries = [to_entry(schedule, names) for schedule in schedules]
    return yaml_text.dump({"digests": entries})


def to_entry(schedule: DigestSchedule, names: Mapping[int, str]) -> dict[str, Any]:
    """Return the settings of *schedule*; *names* are those of the destinations by ID."""
    entry = {name: getattr(schedule, name, None) for name in _TYPES}
    entry["destination"] = names.get(schedule.destination_id, "")
    entry["weekday"] = WEEKDAYS[schedule.weekday]
    return entry


def import_schedules(cursor: Cursor, text: str, by: str) -> dict[str, int]:
    """Store the digests of a YAML file; one with an existing name replaces that one.

    Returns the numbers of `new`, `changed` and `same` ones. Raises `InputError` naming the digest
    and its entry.
    """
    engine = Inside(cursor)
    numbers = {item.name.casefold(): item.destination_id for item in destinations.list_all(engine)}
    known = {item.name.casefold(): item for item in digest_schedules.list_all(engine)}
    counts = {"new": 0, "changed": 0, "same": 0}
    for entry in _entries(text):
        schedule = parse_entry(entry, numbers)
        existing = known.get(schedule.name.casefold())
        if existing is None:
            digest_schedules.save(cursor, schedule, by, utc_now())
            counts["new"] += 1
            continue
        changed = changed_by(existing, schedule)
        counts["same" if changed == existing else "changed"] += 1
        if changed != existing:
            digest_schedules.save(cursor, changed, by, utc_now())
    return counts


def changed_by(existing: DigestSchedule, schedule: DigestSchedule) -> DigestSchedule:
    """Return *existing* with the settings of *schedule*; its state is kept."""
    return replace(existing, **{name: getattr(schedule, name) for name in _STORED})


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError(
            "The digests are not valid YAML.", "Export digests for an example."
        ) from None
    entries = document.get("digests") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
        raise InputError("The list of digests is missing.", "Start with the line: digests:")
    return entries


def parse_entry(entry: Mapping[str, Any], numbers: Mapping[str, int]) -> DigestSchedule:
    """Return the schedule of *entry*; *numbers* are IDs of destinations by case-folded name.

    Raises `InputError` naming the digest and its entry.
    """
    name = str(entry.get("name", ""))[:80]
    for key, value in entry.items():
        kind = _TYPES.get(str(key))
        if kind is None:
            allowed = ", ".join(sorted(_TYPES))
            raise InputError(f"Digest {name!r}: unknown entry {key!r}.", f"Allowed: {allowed}.")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InputError(f"Digest {name!r}: {key} must be {_TYPE_NAMES[kind]}.")
    values = dict(entry)
    destination = str(values.pop("destination", ""))
    if destination.casefold() not in numbers:
        raise InputError(
            f"Digest {name!r}: unknown destination {destination[:80]!r}.", "Add it first."
        )
    weekday = str(values.get("weekday", WEEKDAYS[0])).casefold()
    if weekday not in WEEKDAYS:
        raise InputError(
            f"Digest {name!r}: weekday is {weekday[:20]!r}.", f"Allowed: {', '.join(WEEKDAYS)}."
        )
    values |= {"name": name, "weekday": WEEKDAYS.index(weekday)}
    schedule = DigestSchedule(**values, destination_id=numbers[destination.casefold()])
    schedule.check()
    return schedule
