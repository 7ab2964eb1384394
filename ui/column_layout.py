"""The columns of a table as its user chose them: which, in which order, and how wide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trail.accounts.preferences import Preferences
from trail.runtime import process
from ui.components.table import Column, Message
from ui.page import current_user


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """The choice of columns of the table *name*, remembered for each user."""

    name: str
    columns: tuple[Column, ...]
    default: tuple[str, ...]

    def shown(self) -> tuple[str, ...]:
        """Return the names of the columns shown, in their order."""
        known = [column["name"] for column in self.columns]
        # Columns of another release may have other names.
        saved = self._saved("names")
        chosen = [name for name in saved if name in known] if isinstance(saved, list) else []
        return tuple(dict.fromkeys(chosen)) or self.default

    def shown_columns(self) -> Sequence[Column]:
        """Return the columns shown, in their order."""
        by_name = {column["name"]: column for column in self.columns}
        return [by_name[name] for name in self.shown()]

    def widths(self) -> dict[str, int]:
        """Return the widths that were set, in px by name."""
        saved = self._saved("widths")
        return saved if isinstance(saved, dict) else {}

    def put(self, name: str, *, shown: bool) -> bool:
        """Show the column *name* behind the others, or hide it; return whether that changed them.

        The only column stays.
        """
        before = self.shown()
        others = [other for other in before if other != name]
        names = [*others, name] if shown else others
        return (name in before) != shown and bool(names) and self.apply({"columns": names})

    def apply(self, message: Message) -> bool:
        """Remember the change of columns in *message*; return whether the columns shown changed."""
        if "reset" in message:
            self._save(None)
        elif "columns" in message:
            self._save({"names": message["columns"], "widths": self.widths()})
        elif "widths" in message:
            widths = self.widths() | message["widths"]
            self._save({"names": list(self.shown()), "widths": widths})
            return False
        else:
            return False
        return True

    def _saved(self, part: str) -> Any:
        user = current_user()
        saved = _preferences().get(user.account, self._key) if user else None
        return saved.get(part) if isinstance(saved, dict) else None

    def _save(self, value: dict[str, object] | None) -> None:
        if user := current_user():
            _preferences().put(user.account, self._key, value)

    @property
    def _key(self) -> str:
        return f"columns:{self.name}"


def _preferences() -> Preferences:
    return Preferences(process.current().store)
