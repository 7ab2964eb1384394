"""Read the entries of a YAML file with their lines, so that errors can name them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from trail.core.errors import InputError

_MAX_BYTES = 2_000_000
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of *file*: its values, the line where it begins, and the line of each key."""

    file: str
    values: dict[str, Any]
    line: int
    lines: dict[str, int] = field(default_factory=dict)

    def located(self, check: Callable[[], Result]) -> Result:
        """Return the result of *check*; its `InputError` gets the file and the line."""
        try:
            return check()
        except InputError as error:
            words = [word.strip(".,:") for word in error.message.split()]
            # The last one, since earlier words may be values or part of the sentence.
            named = [self.lines[word] for word in reversed(words) if word in self.lines]
            quoted = [line for key, line in self.lines.items() if repr(key) in error.message]
            line = (quoted or named or [self.line])[0]
            raise _error(self.file, line, error.message, error.hint) from None


def read(path: Path, key: str) -> list[Item]:
    """Return the entries of the list *key* in the file *path*.

    Raises `InputError`, also for a file without the list: an empty one is written as `[]`.
    """
    file = path.name
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{file}: larger than {_MAX_BYTES:,} bytes.")
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        document = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _error(file, mark.line + 1 if mark else 1, "Not valid YAML.") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        raise InputError(f"{file}: cannot be read as YAML in UTF-8.") from None
    # An empty file may be truncated, so it must not delete everything.
    if not isinstance(document, yaml.MappingNode):
        raise _error(file, 1, "The list is missing.", f"Start with the line {key}: or {key}: []")
    items: list[Item] = []
    for name, node in document.value:
        if name.value != key:
            line = name.start_mark.line + 1
            raise _error(file, line, f"Unknown key {str(name.value)[:40]!r}.", f"Allowed: {key}.")
        if not isinstance(node, yaml.SequenceNode):
            raise _error(
                file,
                name.start_mark.line + 1,
                f"{key} must be a list.",
                f"For an empty list, write {key}: []",
            )
        items += [_item(loader, file, entry) for entry in node.value]
    return items


def _item(loader: yaml.SafeLoader, file: str, node: yaml.Node) -> Item:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise _error(file, line, "An entry must be a mapping of names to values.")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _error(file, key.start_mark.line + 1, "A key must be a name.")
        if key.value in lines:
            raise _error(file, key.start_mark.line + 1, f"Duplicate key {key.value[:40]!r}.")
        lines[key.value] = key.start_mark.line + 1
    try:
        values = loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise _error(file, line, "A value cannot be read.") from None
    return Item(file, {str(key): value for key, value in values.items()}, line, lines)


def _error(file: str, line: int, problem: str, hint: str = "") -> InputError:
    return InputError(f"{file}, line {line}: {problem}", hint)
