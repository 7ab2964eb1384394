"""The context of a command: settings, store, output and folder.

A command runs in a terminal, or inside the server on behalf of a terminal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trail.core.errors import InputError
from trail.core.output import Out
from trail.core.settings import Settings
from trail.core.text import printable
from trail.events import value_names
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NO_DATABASE = InputError(
    "There is no database yet.", "Load a file first: python -m trail load FILE."
)


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, access to the store, the output, and the folder that paths start from.

    `store(True)` returns the workspace's own store, for writing; `store(False)` the displayed one,
    which may be the demo's.
    """

    settings: Settings
    store: Callable[[bool], Store]
    out: Out
    folder: Path

    def workspace_store(self) -> Store:
        """Return the workspace's own store; raise `InputError` if it does not exist."""
        if not self.settings.store.path.exists():
            raise NO_DATABASE
        return self.store(True)

    def read_filter(self, store: Store, query: str) -> Filter:
        """Return the filter of *query*, with ids in place of names, and note what names nothing.

        Raises `FilterError` for what cannot be read.
        """
        filter_, misnamed = value_names.resolve(store, Filter.parse(query))
        for problem in misnamed:
            self.out.note(f"{printable(str(problem))}\n")
        return filter_
