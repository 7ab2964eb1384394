"""The names in a question: actors, targets and workspaces of the store, by name, e-mail or ID."""

import json
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from trail.core.event_text import id_as_name
from trail.events.completions import fold
from trail.storage import cursors, workspaces
from trail.storage.engine import Engine

MOST_WORDS = 8  # of one name
_MOST_ASKED, _MOST_READ = 8, 2_000  # words of a question, and names with one of them
_FEW_LETTERS = 4  # fewer ones begin too many names
_MOST = 10  # actors or targets that one name may mean
_PARTS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Named:
    """What a name means: the facet, and its values with their labels.

    `is_whole` if the name is complete, not a part of one.
    """

    field: str
    values: tuple[tuple[str, str], ...]
    types: frozenset[str]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Row:
    field: str
    value: str
    label: str
    type: str
    spellings: tuple[str, ...]


class Directory:
    """The names that contain one of some words."""

    def __init__(self, engine: Engine, words: Collection[str]) -> None:
        wanted = sorted({part for word in words for part in _parts(word)}, key=len)
        self._whole: dict[str, list[_Row]] = defaultdict(list)
        # By a word of a name; of an e-mail, of its local part.
        self._containing: dict[str, list[tuple[_Row, list[str]]]] = defaultdict(list)
        for row in _read(engine, wanted[-_MOST_ASKED:]) if wanted else ():
            for spelling in row.spellings:
                self._whole[spelling].append(row)
                parts = _parts(spelling.partition("@")[0])
                for part in set(parts):
                    self._containing[part].append((row, parts))

    def find(self, text: str) -> list[Named]:
        """Return what *text* may name, at most one entry per field; whole names before parts.

        One word may be the beginning of a word.
        """
        parts = _parts(text)
        if not parts:
            return []
        whole = self._whole.get(fold(text).strip(), [])
        partly = [row for row, words in self._containing.get(parts[0], []) if _has(words, parts)]
        if not whole and not partly and len(parts) == 1 and len(parts[0]) >= _FEW_LETTERS:
            begun = (rows for part, rows in self._containing.items() if part.startswith(parts[0]))
            partly = [row for rows in begun for row, _ in rows]
        result = []
        for field in ("actor", "target", "workspace"):
            named = [row for row in whole if row.field == field]
            found = named or [row for row in partly if row.field == field]
            values = tuple(sorted({(row.value, row.label) for row in found}))
            if 0 < len(values) <= _MOST:
                types = frozenset(row.type for row in found)
                result.append(Named(field, values, types, bool(named)))
        return sorted(result, key=lambda named: not named.is_whole)


def _has(words: list[str], parts: list[str]) -> bool:
    """Return whether *parts* are successive *words*."""
    return any(words[at : at + len(parts)] == parts for at in range(len(words)))


def _parts(text: str) -> list[str]:
    return _PARTS.findall(fold(text))


def _read(engine: Engine, words: list[str]) -> list[_Row]:
    """Return the names that contain one of *words*, most of them and short ones first."""
    params = {"words": words}
    rows = []

    def query(columns: str, text: str, table: str) -> list[dict[str, object]]:
        sql = (
            "select *, len(list_filter($words, lambda w: contains(text, w))) as hits, "
            f"length(text) as size from (select distinct {columns}, "
            f"strip_accents(lower({text})) as text from {table}) "
            f"where hits > 0 order by hits desc, size, text limit {_MOST_READ}"
        )
        return list(engine.table(sql, params).to_pylist())

    spelled = "concat_ws(chr(31), actor_id, actor_name, actor_email)"
    for line in query("actor_id, actor_name, actor_email", spelled, "actors"):
        actor_id, name, email = (
            str(line[c] or "") for c in ("actor_id", "actor_name", "actor_email")
        )
        label = name or email or id_as_name(actor_id)
        known = (actor_id, actor_id.partition("/")[2], name, email)
        rows.append(_Row("actor", actor_id, label, "", _spellings(*known)))
    spelled = "concat_ws(chr(31), target_id, target_name)"
    for line in query("target_type, target_id, target_name", spelled, "targets"):
        target_id, name = str(line["target_id"] or ""), str(line["target_name"] or "")
        value, type_ = name or target_id, str(line["target_type"] or "")
        rows.append(_Row("target", value, value, type_, _spellings(target_id, name)))
    return [*rows, *_workspaces(engine)]


def _workspaces(engine: Engine) -> list[_Row]:
    """Return the workspaces, which are few; the directory names those that are polled."""
    first = json.loads(cursors.get(engine, workspaces.FIRST) or "{}")
    slugs = {first["id"]: first.get("slug", "")} if first else {}
    names = workspaces.names(engine)
    labels = workspaces.labels(engine)
    rows = []
    for workspace in workspaces.stored(engine):
        known = _spellings(workspace, names.get(workspace, ""), slugs.get(workspace, ""))
        label = labels.get(workspace, "") or slugs.get(workspace, "") or workspace
        rows.append(_Row("workspace", workspace, label, "", known))
    return rows


def _spellings(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(text).strip() for text in texts if text))
