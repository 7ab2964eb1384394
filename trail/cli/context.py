"""What a command works with: settings, the open store, and where its output goes.

The same command runs in a terminal or inside the server on behalf of a terminal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trail.core.output import Out
from trail.core.settings import Settings
from trail.storage.database import Store


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, a way to the store, where to write, and the folder that paths start from.

    `store(True)` gives the store of the real workspace, to write to; `store(False)` the one that
    is shown, which may be the demo's.
    """

    settings: Settings
    store: Callable[[bool], Store]
    out: Out
    folder: Path
