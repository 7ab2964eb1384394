"""Where a command writes its result and its messages."""

import sys
from typing import Protocol

from trail.core.text import printable

_BAR = 24


class Out(Protocol):
    """Receives the output of a command."""

    def text(self, text: str) -> None:
        """Write *text*, a part of the result, unchanged."""
        ...

    def note(self, text: str) -> None:
        """Write *text*, a message or progress for the person at the terminal."""
        ...


class Terminal:
    """Writes the result to standard output and messages to standard error."""

    def text(self, text: str) -> None:
        """Write *text* to standard output."""
        sys.stdout.write(text)

    def note(self, text: str) -> None:
        """Write *text* to standard error; progress only to a terminal."""
        if text.startswith("\r") and not sys.stderr.isatty():
            return
        sys.stderr.write(text)
        sys.stderr.flush()


def show_progress(out: Out, share: float, text: str) -> None:
    """Draw a progress bar for *share* (0 to 1), followed by *text*, over the current line."""
    filled = int(share * _BAR)
    out.note(f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {share:4.0%}  {printable(text)}")


def clear_progress(out: Out) -> None:
    """Remove the progress bar."""
    out.note("\r\x1b[K")
