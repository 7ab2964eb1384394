"""Export the configuration to a folder; apply a folder: plan the differences, then make them."""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trail.config_files import yaml_items
from trail.config_files.kinds import KINDS, Entry, Kind
from trail.config_files.yaml_items import Item
from trail.core import atomic_file, yaml_text
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.notifications import destinations
from trail.notifications.destination import Destination
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.inside import Inside

# The row of the table `marks` with what was applied last.
_MARK = "configuration files"

Action = Literal["add", "change", "delete"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What applying the files does to one thing: `lines` say which values change, and how."""

    kind: str
    name: str
    action: Action
    entry: Entry
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the difference for JSON."""
        lines = list(self.lines)
        return {"kind": self.kind, "name": self.name, "action": self.action, "changes": lines}


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a folder does: differences in order, and how many things stay the same."""

    differences: tuple[Difference, ...]
    same: int
    applied: Mapping[str, Mapping[str, Entry]]


def export(engine: Engine, folder: Path) -> dict[str, int]:
    """Write a file of each kind to *folder*; return the number of entries by kind.

    Raises `InputError` if a file cannot be written.
    """
    counts = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in KINDS.values():
            entries = kind.existing(engine)
            text = yaml_text.dump({kind.name: entries})
            atomic_file.replace(folder / f"{kind.name}.yaml", text)
            counts[kind.name] = len(entries)
    except OSError:
        raise InputError(f"{folder.name}: the files cannot be written.") from None
    return counts


def plan(store: Store, settings: Settings, folder: Path, *, prune: bool) -> Plan:
    """Return what applying *folder* would change; nothing is written.

    With *prune*, entries that a file does not contain are deleted, also for an empty list; kinds
    without a file are unchanged.
    Raises `InputError` with file and line for the first entry that cannot be applied.
    """
    files = {
        kind.name: yaml_items.read(path, kind.name)
        for kind in KINDS.values()
        if (path := folder / f"{kind.name}.yaml").is_file()
    }
    if not files:
        expected = ", ".join(f"{name}.yaml" for name in KINDS)
        raise InputError(f"{folder.name or folder}: no file to apply.", f"Expected: {expected}.")
    names = _destination_names(store, files, prune=prune)
    differences, deletions, same = list[Difference](), list[Difference](), 0
    applied: dict[str, dict[str, Entry]] = {}
    for name, items in files.items():
        kind = KINDS[name]
        existing = {str(entry["name"]).casefold(): entry for entry in kind.existing(store)}
        entries = _parsed(kind, items, settings, names, existing)
        applied[name] = {str(entry["name"]): entry for entry in entries}
        for entry in entries:
            found = existing.pop(str(entry["name"]).casefold(), None)
            if found == entry:
                same += 1
                continue
            lines = _lines(found or {"name": entry["name"]}, entry)
            action: Action = "change" if found else "add"
            differences.append(Difference(name, str(entry["name"]), action, entry, lines))
        if prune:
            deletions += [
                Difference(name, str(entry["name"]), "delete", entry) for entry in existing.values()
            ]
    # In reverse order, so that nothing refers to a deleted entry.
    return Plan((*differences, *reversed(deletions)), same, applied)


def apply(store: Store, settings: Settings, made: Plan, by: str, *, dry_run: bool = False) -> None:
    """Make the changes of a plan, all of them or none; with *dry_run* undo them again.

    Raises `InputError` with the kind and name of an entry that cannot be changed.
    """
    digests = {
        kind: {name.casefold(): _digest(entry) for name, entry in entries.items()}
        for kind, entries in made.applied.items()
    }

    def write(cursor: Cursor) -> None:
        for one in made.differences:
            try:
                _make(cursor, settings, one, by)
            except InputError as error:
                message = f"{one.kind}, {one.name!r}: {error.message}"
                raise InputError(message, error.hint) from None
        known = _applied(Inside(cursor)) | digests
        cursors.put(cursor, _MARK, json.dumps(known))
        if dry_run:
            raise _DryRun

    with contextlib.suppress(_DryRun):
        store.write(write)


class _DryRun(Exception):  # noqa: N818 - not an error
    """Rolls the transaction back."""


def _make(cursor: Cursor, settings: Settings, change: Difference, by: str) -> None:
    kind = KINDS[change.kind]
    if change.action == "delete":
        kind.remove(cursor, change.name)
    else:
        kind.write(cursor, settings, change.entry, by)


def deleted_destinations(engine: Engine, made: Plan) -> list[Destination]:
    """Return the destinations that the plan deletes, which are not deleted yet."""
    names = {
        one.name for one in made.differences if (one.kind, one.action) == ("destinations", "delete")
    }
    return [one for one in destinations.list_all(engine) if one.name in names]


def origins(engine: Engine, name: str) -> dict[str, bool]:
    """Return the case-folded names of entries of the kind *name* that come from files.

    The value says whether an entry is unchanged since the files were applied.
    """
    applied = _applied(engine).get(name)
    if not applied:
        return {}
    return {
        folded: applied[folded] == _digest(entry)
        for entry in KINDS[name].existing(engine)
        if (folded := str(entry["name"]).casefold()) in applied
    }


def _applied(engine: Engine) -> dict[str, dict[str, str]]:
    stored = cursors.get(engine, _MARK)
    result: dict[str, dict[str, str]] = json.loads(stored) if stored else {}
    return result


def _digest(entry: Entry) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]


def _destination_names(
    store: Store, files: Mapping[str, Sequence[Item]], *, prune: bool
) -> frozenset[str]:
    """Return the case-folded names of the destinations that exist after applying."""
    listed = files.get("destinations")
    names = [str(item.values.get("name", "")) for item in listed or ()]
    if listed is None or not prune:
        names += [str(entry["name"]) for entry in KINDS["destinations"].existing(store)]
    return frozenset(name.casefold() for name in names)


def _parsed(
    kind: Kind,
    items: Sequence[Item],
    settings: Settings,
    names: frozenset[str],
    existing: Mapping[str, Entry],
) -> list[Entry]:
    entries: dict[str, Entry] = {}

    def parse(item: Item) -> Entry:
        entry = kind.parse(item.values, settings, names)
        if str(entry["name"]).casefold() in entries:
            raise InputError(f"Another {kind.noun} has the name {str(entry['name'])!r}.")
        kind.check_change(existing.get(str(entry["name"]).casefold(), entry), entry)
        return entry

    for item in items:
        entry = item.located(lambda item=item: parse(item))  # type: ignore[misc]
        entries[str(entry["name"]).casefold()] = entry
    return list(entries.values())


def _lines(before: Entry, after: Entry) -> tuple[str, ...]:
    keys = [*after, *(key for key in before if key not in after)]
    return tuple(
        f"{key}: {_shown(before, key)} → {_shown(after, key)}"
        for key in keys
        if before.get(key) != after.get(key)
    )


def _shown(entry: Entry, key: str) -> str:
    return json.dumps(entry[key], ensure_ascii=False) if key in entry else "default"
