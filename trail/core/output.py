"""Where a command writes its answer and its remarks."""

import sys
from typing import Protocol


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
