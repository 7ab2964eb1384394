"""Where a command writes its result, its messages and its progress."""

import sys
from typing import TYPE_CHECKING, Protocol

from trail.core.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress


class Out(Protocol):
    """Receives the output of a command."""

    def text(self, text: str) -> None:
        """Write *text*, a part of the result, unchanged."""
        ...

    def note(self, text: str) -> None:
        """Write *text*, a message for the person at the terminal."""
        ...

    def progress(self, share: float, text: str) -> None:
        """Show a progress bar for *share* (0 to 1) with *text* until the next text or note."""
        ...


class Terminal:
    """Writes the result to standard output, messages and progress to standard error."""

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def text(self, text: str) -> None:
        """Write *text* to standard output."""
        self._clear()
        sys.stdout.write(text)

    def note(self, text: str) -> None:
        """Write *text* to standard error."""
        self._clear()
        sys.stderr.write(text)
        sys.stderr.flush()

    def progress(self, share: float, text: str) -> None:
        """Show a progress bar if standard error is a terminal."""
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

            text_column = TextColumn("{task.description}", markup=False)
            columns = BarColumn(), TaskProgressColumn(), text_column
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.add_task("", total=1.0)
            self._bar.start()
        task = self._bar.task_ids[0]
        self._bar.update(task, completed=share, description=printable(text))

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
