"""Back-tests count the archived days that they name, as Explore does."""

import datetime as dt
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests import fixed_clock
from tests.trail import random_trail
from tests.trail.random_trail import event
from trail.core.clock import utc_now
from trail.events import counts
from trail.runtime.process import Runtime
from trail.storage import tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter


def _rule_back_test() -> None:
    """Draw the back-test of an alert rule; a script of its own."""
    from trail.accounts.users import User
    from trail.notifications.rule import Rule
    from trail.runtime import process
    from ui.alerts import back_test
    from ui.page import Context

    ctx = Context(User("maya", "Maya Lind", "", "owner"), process.current())
    back_test.draw(ctx, Rule("Deletions", query="kind=delete"), "rule")


def _detection_rules() -> None:
    """Draw the detection rules; a script of its own."""
    from trail.accounts.users import User
    from trail.runtime import process
    from ui.page import Context
    from ui.unusual import detection_rules

    detection_rules.draw(Context(User("maya", "Maya Lind", "", "owner"), process.current()))


@pytest.fixture
def archived(runtime: Runtime, tmp_path: Path) -> Store:
    """Return a store with a deleted source on each of 20 days, of which 7 are not archived."""
    store, now = runtime.store, utc_now()
    lines = [
        event(f"e{n}", now - dt.timedelta(days=n, minutes=9), "Source Deleted",
              actor="users/ana", target=("source", f"s{n}", f"Source {n}"))
        for n in range(20)
    ]  # fmt: skip
    random_trail.add(store, tmp_path, lines)
    kept = runtime.settings.store.model_copy(update={"archive": True, "retention_days": 7})
    settings = runtime.settings.model_copy(update={"store": kept})
    assert fixed_clock.retain(store, settings, now.replace(tzinfo=dt.UTC)).archived
    return store


def test_the_back_test_of_a_rule_has_the_number_of_explore(archived: Store) -> None:
    app = AppTest.from_function(_rule_back_test).run(timeout=30)
    assert not app.exception
    shown = counts.count(
        tiers.both(archived), Filter.parse("from=30d&kind=delete"), dt.datetime.now(dt.UTC)
    )
    assert f"{shown} events in {shown} messages" in app.text[0].value
    assert "deleted the source Source 0" in app.text[1].value


def test_detection_rules_count_archived_days(archived: Store, runtime: Runtime) -> None:
    app = AppTest.from_function(_detection_rules).run(timeout=30)
    assert not app.exception
    popovers = [node.proto.popover.label for node in app.main if node.type == "popover"]
    assert "20 matches in the last 90 days" in popovers

    folder = runtime.settings.store.archive_path
    folder.rename(folder.with_name("away"))
    app.run(timeout=30)
    assert not app.exception
    app.run(timeout=30)
    assert not app.exception
    assert re.search(r"Archive files? .* missing or damaged", app.warning[0].value)
