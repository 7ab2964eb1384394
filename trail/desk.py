"""What a command works with: settings, the open store, and where its words go.

Separate because the same command runs in a terminal of its own, or inside the server on behalf of
a terminal, and must not know which.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trail.settings import Settings
from trail.store import Store


class Out(Protocol):
    """Where a command's answer and its remarks go."""

    def text(self, text: str) -> None:
        """Write *text* of the answer, as it is."""
        ...

    def note(self, text: str) -> None:
        """Write *text* for the person who waits: progress, remarks."""
        ...


class Terminal:
    """Standard output for the answer, standard error for remarks."""

    def text(self, text: str) -> None:
        """Write *text* to standard output."""
        sys.stdout.write(text)

    def note(self, text: str) -> None:
        """Write *text* to standard error at once; progress only where somebody watches."""
        if text.startswith("\r") and not sys.stderr.isatty():
            return
        sys.stderr.write(text)
        sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Desk:
    """Settings, a way to the store, where to write, and the folder that paths start from.

    `store(True)` gives the store of the real workspace, to write to; `store(False)` the one that
    is shown, which may be the demo's.
    """

    settings: Settings
    store: Callable[[bool], Store]
    out: Out
    folder: Path
