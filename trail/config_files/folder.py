"""Export the configuration to a folder, and apply a folder: the differences, then the changes."""

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
from trail.storage import cursors
from trail.storage.database import Engine, Store

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

    With *prune*, what a file does not name is deleted; kinds without a file stay as they are.
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
    # In the reverse order, so that nothing refers to what is deleted.
    return Plan((*differences, *reversed(deletions)), same, applied)


def apply(store: Store, settings: Settings, made: Plan, by: str) -> None:
    """Make the changes of a plan, one after the other; applying again completes them."""
    for one in made.differences:
        kind = KINDS[one.kind]
        if one.action == "delete":
            kind.remove(store, one.name)
        else:
            kind.write(store, settings, one.entry, by)
    digests = {
        kind: {name.casefold(): _digest(entry) for name, entry in entries.items()}
        for kind, entries in made.applied.items()
    }
    known = _applied(store) | digests
    store.write(lambda cursor: cursors.put(cursor, _MARK, json.dumps(known)))


def origins(engine: Engine, name: str) -> dict[str, bool]:
    """Return the case-folded names of the kind *name* that come from files.

    The value says whether it still is as the files described it when they were applied.
    """
    applied = _applied(engine).get(name, {})
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
    """Return the case-folded names of the destinations that there are after applying."""
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
