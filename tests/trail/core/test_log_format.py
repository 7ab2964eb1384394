"""Each event of the log is one line that no text can forge, whichever library logs it."""

import datetime as dt
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.log_format import JsonLines, Kind, TextLines, configured

# Line separators of all kinds, escape sequences, and what looks like another event.
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(["\n", "\r", "\x85", "\u2028", "\x1b[2K", '"}', "{", "\\n", "\ud800"]),
        st.sampled_from(["2026-11-28 10:00:00.000+00:00 ERROR trail: forged", "%s", "    "]),
        st.text(max_size=20),
    )
).map("".join)
_HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d ERROR trail\.test: ")


def record(message: str, text: str, *, fails: bool) -> logging.LogRecord:
    info = None
    if fails:
        try:
            raise ValueError(f"<{text}>")
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("trail.test", logging.ERROR, "x.py", 1, message, (text,), info)


@given(HOSTILE, st.booleans())
def test_an_event_is_one_line_of_json_with_the_exact_text(text: str, fails: bool) -> None:
    line = JsonLines().format(record("said %s", text, fails=fails))
    assert len(line.splitlines()) == 1
    event = json.loads(line)
    assert event["message"] == f"said {text}"
    assert (event["level"], event["logger"]) == ("error", "trail.test")
    assert dt.datetime.fromisoformat(event["time"]).utcoffset() == dt.timedelta()
    assert ("exception" in event) == fails
    if fails:
        assert event["exception"].endswith(f"ValueError: <{text}>")


@given(HOSTILE, st.booleans())
def test_no_text_begins_a_line_of_its_own(text: str, fails: bool) -> None:
    first, *others = TextLines().format(record("said %s", text, fails=fails)).splitlines()
    assert _HEAD.match(first)
    assert all(line.startswith("    ") for line in others)
    assert bool(others) == fails


@given(HOSTILE)
def test_a_wrong_argument_is_still_one_event(text: str) -> None:
    wrong = logging.LogRecord("trail.test", logging.ERROR, "x.py", 1, "%d of %d", (text,), None)
    assert "%d of %d" in json.loads(JsonLines().format(wrong))["message"]


@contextmanager
def logged(kind: Kind) -> Iterator[io.StringIO]:
    out = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers.clear()  # those of the tests
    try:
        with redirect_stderr(out), configured(kind):
            yield out
    finally:
        root.handlers[:] = before


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """Return a logger as libraries have them: with an output of its own."""
    made = logging.getLogger("some_library.known")
    made.addHandler(logging.StreamHandler(io.StringIO()))
    made.propagate = False
    yield made
    made.handlers.clear()


def test_libraries_threads_and_warnings_write_events_too(library: logging.Logger) -> None:
    own = library.handlers[:]

    def fail() -> None:
        raise ValueError("in a thread\nof two lines")

    with logged("json") as out:
        library.warning("known before")
        later = logging.getLogger("some_library.made_later")
        later.addHandler(logging.StreamHandler(sys.stderr))
        later.propagate = False
        later.warning("made later")
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", UserWarning, stacklevel=1)
        with configured("json"):
            logging.getLogger("some_library.made_later").warning("once")
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["message"].split("\n")[0][-40:] for event in events[:3]] == [
        "known before",
        "made later",
        "Uncaught error in worker",
    ]
    assert "ValueError: in a thread\nof two lines" in events[2]["exception"]
    assert "UserWarning: old" in events[3]["message"]
    assert [event["message"] for event in events[4:]] == ["once"]
    assert library.handlers == own
    assert not library.propagate


def test_a_configuration_of_others_stays_for_text_only(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    with configured("text"):
        assert root.handlers == before
    with configured("json"):
        (handler,) = root.handlers
        assert isinstance(handler.formatter, JsonLines)
    assert root.handlers == before
