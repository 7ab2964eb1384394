"""The set-up: its steps follow from what is stored, and an empty database leads to it."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import Load
from tests.trail.random_trail import event
from trail.core import settings as core_settings
from trail.core.clock import utc_now
from trail.runtime import process, setup_steps
from trail.runtime.process import Runtime


def _above() -> None:
    """Draw what is above Overview; runs as a script of its own, so it has its own imports."""
    import streamlit as st

    from trail.accounts.users import User
    from ui import setup_guide

    if st.session_state["role"] == "guide":
        setup_guide.draw("Connect Segment", "events")
    else:
        setup_guide.draw_above("overview", User("a", "A", "", st.session_state["role"]))


def drawn(role: str) -> AppTest:
    app = AppTest.from_function(_above, default_timeout=30)
    app.session_state["role"] = role
    app.run()
    return app


def html(role: str) -> str:
    # Of an owner without the link, which needs the pages of the application.
    return " ".join(item.proto.body for item in drawn(role).get("html"))


def states() -> dict[str, str]:
    return {step.name: step.state for step in setup_steps.steps(process.current())}


def test_an_empty_database_leads_owners_to_the_set_up_and_says_so_to_others(
    runtime: Runtime, load: Load
) -> None:
    assert html("owner") == "<b>No events yet.</b>"
    assert html("manager") == "<b>No events yet.</b> An owner can connect the workspace."
    load(event("a", utc_now()).encode())
    assert html("owner") == html("manager") == ""


def test_steps_follow_from_what_is_stored(
    runtime: Runtime, load: Load, signed_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAIL_STORE__PATH", str(runtime.settings.store.path))
    assert states() == {
        "owner": "done", "events": "open", "alerts": "open",
        "colleagues": "done" if len(runtime.users.all()) > 1 else "open",
    }  # fmt: skip
    app = drawn("guide")
    [skip, following] = app.button
    assert (skip.label, following.label) == ("Skip for now", "Next: alerts")
    skip.click().run()
    assert states()["events"] == "skipped"
    assert core_settings.load().setup.skipped == ("events",)
    load(event("a", utc_now()).encode())
    assert states()["events"] == "done"


def test_the_next_step_is_an_open_one(runtime: Runtime) -> None:
    steps = tuple(
        setup_steps.Step(name, name, state)  # type: ignore[arg-type]
        for name, state in (
            ("owner", "done"),
            ("events", "open"),
            ("alerts", "skipped"),
            ("c", "open"),
        )
    )
    following = {step.name: setup_steps.following(steps, step.name) for step in steps}
    names = {name: step.name if step else "" for name, step in following.items()}
    assert names == {"owner": "events", "events": "c", "alerts": "c", "c": "events"}
