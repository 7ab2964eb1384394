"""What a page shows in place of results while they are read for long, and how a user ends that.

A part of a page that takes longer than a moment is announced where it will be, by a line that
ends the reading if its button is pressed. What was cancelled stays so until it is asked for again.
"""

import contextlib
import threading
import time
from types import TracebackType
from typing import Self

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import add_script_run_ctx

from trail.core.errors import OverloadError, StoppedError, UnavailableError
from trail.storage import cold_tier, query_timeout
from trail.storage.engine import Engine
from trail.storage.filters import Window
from ui import script_run

# After so long a reading is announced, and so often its line is drawn again.
SOON_S, _AGAIN_S = 0.5, 1.0
_CANCELLED = "cancelled-read"


class _CancelledError(Exception):
    """The user has cancelled what would be read next."""


class SlowRead:
    """A block that reads the results of a page: `with SlowRead(...) as reading`.

    *place* is where they will be, *what* names them, such as "archived days", and *view* what they
    depend on. The block calls `step` before each part. It ends early, and *place* says so, if the
    part is cancelled or cannot be read now: what the block would have assigned is unset then.
    """

    def __init__(self, place: DeltaGenerator, what: str, view: str) -> None:
        self._place = place.container(key="slow-read")
        self._what, self._view = what, view
        self._step = ""
        self._line: DeltaGenerator | None = None
        self._time = place
        self._drawing, self._ended = threading.Lock(), threading.Event()
        self._started = time.monotonic()
        self._limits = contextlib.ExitStack()
        self._scope: query_timeout.QueryScope | None = None

    @staticmethod
    def place() -> DeltaGenerator:
        """Draw an empty place for the announcement, above what is read; once on a page."""
        return st.container(key="reading-place")

    @classmethod
    def of_window(
        cls, store: Engine, window: Window, view: str, place: DeltaGenerator
    ) -> "SlowRead":
        """Return the block for what a page shows of the events of *window*."""
        what = "archived days" if cold_tier.touches(store, window) else "events"
        return cls(place, what, view)

    def step(self, name: str) -> None:
        """Go on to the part *name*, unless the user has cancelled it."""
        self._step = name
        if st.session_state.get(_CANCELLED, ("", ""))[0] != self._view:
            st.session_state.pop(_CANCELLED, None)
        if st.session_state.get(_CANCELLED) == (self._view, name):
            raise _CancelledError

    def __enter__(self) -> Self:
        """Announce the block from now on if it takes long."""
        self._scope = query_timeout.current()
        if scope := self._scope:
            self._limits.enter_context(scope.ending_when(script_run.replaced()))
        # Of its own, since that of the page waits for the database.
        thread = threading.Thread(target=self._announce, name="trail-slow-read", daemon=True)
        add_script_run_ctx(thread)
        thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool:
        """Take the announcement away, and say in its place why the block ended early."""
        with self._drawing:
            self._ended.set()
        self._limits.close()
        if error is not None and not isinstance(error, Exception):
            return False  # how Streamlit ends a run
        if self._line is not None:
            self._line.empty()
        if isinstance(error, _CancelledError):
            self._draw_end("Reading was cancelled. Events of this view are not shown.")
            return True
        if isinstance(error, UnavailableError) and not isinstance(
            error, StoppedError | OverloadError
        ):
            self._draw_end(str(error))
            return True
        return False

    def _draw_end(self, reason: str) -> None:
        with self._place.container(border=True, gap="xsmall", key="read-ended"):
            st.text(reason)
            st.button(
                "Try again",
                key="read-again",
                on_click=lambda: st.session_state.pop(_CANCELLED, None),
            )

    def _announce(self) -> None:
        wait_s = SOON_S
        while not self._ended.wait(wait_s):
            with self._drawing:
                if not self._ended.is_set():
                    self._draw_line()
            wait_s = _AGAIN_S

    def _draw_line(self) -> None:
        if self._line is None:
            self._line = self._place.empty()
            row = self._line.container(
                horizontal=True, vertical_alignment="center", gap="small", key="reading"
            )
            row.html(f'<span role="status">Reading {self._what} …</span>', width="content")
            # By itself, so that it is not read aloud every second.
            self._time = row.empty()
            row.button("Cancel", key="cancel-read", type="tertiary", on_click=self._cancel)
        seconds = time.monotonic() - self._started
        done = self._scope.progress() if self._scope else None
        text = f"{seconds:.0f} s" if done is None else f"{seconds:.0f} s · {done} %"
        self._time.html(f'<span aria-hidden="true">{text}</span>', width="content")

    def _cancel(self) -> None:
        """Leave the part that is read now out of this view, until it is asked for again."""
        st.session_state[_CANCELLED] = self._view, self._step
