"""The banner about missing data, and what pages say where a window has nothing."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from loaders._segment_http import SegmentSettings
from tests.conftest import Load
from tests.trail.random_trail import event
from trail.core.clock import utc_now
from trail.events import coverage
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from ui import coverage_banner

NAME = "segment_api"
HOUR = dt.timedelta(hours=1)


def _parts(role: str) -> None:
    """Draw the banner and an empty list; a script of its own."""
    from trail.accounts.users import User
    from trail.runtime import process
    from trail.storage.filters import Filter
    from ui import coverage_banner
    from ui.page import Context

    ctx = Context(User("maya", "Maya Lind", "", role), process.current())
    coverage_banner.show(ctx)
    coverage_banner.show_none(ctx, Filter(start="24h"), "No findings in this window.")


def drawn(role: str = "reviewer") -> tuple[str, str]:
    """Return the banner for a role without its link, and the sentence about the empty list."""
    app = AppTest.from_function(_parts, args=(role,)).run()
    assert not app.exception
    (info,) = app.info
    shown = info.value.replace("\\", "").replace("\u2060", "")  # escaped for Markdown
    return " ".join(text.value for text in app.text), f"{info.icon} {shown}"


def has_token(runtime: Runtime) -> None:
    segment = SegmentSettings(token=SecretStr("sgp_x"))
    settings = runtime.settings.model_copy(update={"segment": segment})
    process.start(replace(runtime, settings=settings))


def polled(store: Store, until: dt.datetime) -> None:
    store.write(lambda c: coverage.note(c, NAME, coverage.WATCHED, until - 24 * HOUR, until))


def fails(store: Store, reason: str = "The token was not accepted.") -> None:
    store.write(lambda c: coverage.note_failure(c, NAME, utc_now(), HOUR, reason))


def test_an_empty_workspace_without_sources_has_no_banner(runtime: Runtime) -> None:
    assert drawn()[0] == ""


def test_data_of_a_healthy_source_needs_no_words(
    runtime: Runtime, store: Store, load: Load
) -> None:
    has_token(runtime)
    load(f"{event('e1', utc_now() - 5 * HOUR)}\n".encode())
    store.write(lambda c: c.execute(f"update batches set loader = '{NAME}'") and None)
    polled(store, utc_now())
    assert drawn() == ("", ":material/check: No findings in this window.")


def test_old_files_say_since_when_there_is_no_data(runtime: Runtime, load: Load) -> None:
    load(f"{event('e1', utc_now() - 72 * HOUR)}\n".encode())
    banner, none = drawn("manager")
    assert banner.startswith("○ No data since ")
    files = "Events come from loaded files: {}load newer ones, or connect a source."
    assert banner.endswith(f". {files.format('an owner can ')}")
    zone = ZoneInfo("UTC")
    assert coverage_banner._why((), None, zone, may_connect=True) == files.format("")
    assert none.startswith(":material/help: No findings in this window. No data since ")
    assert none.endswith(": what happened is not known.")


def test_a_source_that_fails_from_the_start_has_no_data_yet(runtime: Runtime, store: Store) -> None:
    has_token(runtime)
    assert drawn()[0] == (
        "◆ No data yet. Segment Public API: no event received yet. What happened is not known."
    )
    fails(store)
    banner, none = drawn()
    assert banner.startswith("▲ No data yet. Segment Public API: failing since ")
    assert banner.endswith(". The token was not accepted.")
    assert none == (
        ":material/help: No findings in this window. No data yet: what happened is not known."
    )


@pytest.mark.parametrize("role", ["reviewer", "manager"])
def test_a_failing_source_is_named_with_its_reason_as_plain_text(
    runtime: Runtime, store: Store, role: str
) -> None:
    has_token(runtime)
    polled(store, utc_now() - 3 * HOUR)
    fails(store, "<b>**status** 500</b>")
    banner, none = drawn(role)
    assert banner.startswith("▲ No data since ")
    # Since when is not said twice.
    assert banner.endswith("Segment Public API: failing. <b>**status** 500</b>")
    assert "No data since" in none


def test_others_that_collect_are_said_beside_a_source_that_fails(
    runtime: Runtime, store: Store, load: Load
) -> None:
    has_token(runtime)
    push = runtime.settings.push.model_copy(update={"webhook_secrets": (SecretStr("a"),)})
    settings = process.current().settings.model_copy(update={"push": push})
    process.start(replace(process.current(), settings=settings))
    load(f"{event('e1', utc_now() - HOUR)}\n".encode())
    store.write(lambda c: c.execute("update batches set loader = 'webhook'") and None)
    now = utc_now()
    store.write(lambda c: coverage.note(c, "webhook", coverage.WATCHED, now - HOUR, now))
    fails(store)
    banner, none = drawn()
    assert banner.startswith("▲ Segment Public API: failing since ")
    assert banner.endswith("The token was not accepted. Other sources are collecting.")
    assert none == ":material/check: No findings in this window."
