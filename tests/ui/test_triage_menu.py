"""Assign, mute and comment: for owners and reviewers only, recorded, and with what was done."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from trail.access_log import log
from trail.accounts.users import User
from trail.core.clock import naive_utc
from trail.core.errors import InputError
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from trail.storage.filters import Window
from trail.triage import records
from ui import triage_menu

SUBJECT = records.subject("incident", "3f2a")
WHAT = "incident Snowflake prod"


@pytest.fixture(autouse=True)
def users(runtime: Runtime) -> None:
    """Add the users maya (owner) and jon (manager)."""
    runtime.users.add("maya", "Maya Lind", "", "owner", "correct-horse-9")
    runtime.users.add("jon", "Jon *Berg*", "", "manager", "correct-horse-9")


def sign_in(monkeypatch: pytest.MonkeyPatch, username: str) -> None:
    monkeypatch.setattr(triage_menu, "current_user", lambda: process.current().users.get(username))


def recorded(store: Store, kind: str) -> list[tuple[str, str, str]]:
    log.flush()
    rows = log.entries(store, Window(), kind=kind)
    return [(row["username"], row["what"], row["detail"]) for row in reversed(rows)]


@pytest.mark.parametrize("username", ["jon", "nobody"])
def test_other_roles_change_nothing(
    runtime: Runtime, store: Store, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    sign_in(monkeypatch, username)
    until = naive_utc(dt.datetime.now(dt.UTC)) + dt.timedelta(hours=1)
    refused = pytest.raises(InputError, match="role cannot")
    with refused:
        triage_menu.assign(SUBJECT, WHAT, "jon")
    with refused:
        triage_menu.mute(SUBJECT, WHAT, until)
    with refused:
        triage_menu.comment(SUBJECT, WHAT, "Seen")
    assert records.of(store, [SUBJECT]) == {}


def _menu(username: str) -> None:
    """Draw the menu; runs as a script of its own, so it has its own imports."""
    from trail.runtime import process
    from trail.triage import records
    from ui import triage_menu
    from ui.page import Context

    runtime = process.current()
    user = runtime.users.get(username)
    assert user
    state = records.of(runtime.store, ["incident:3f2a"]).get("incident:3f2a", records.NONE)
    context = Context(user, runtime)
    triage_menu.draw(context, state, "incident:3f2a", "incident Snowflake prod", "t")


def menu(username: str = "maya") -> AppTest:
    app = AppTest.from_function(_menu, args=(username,), default_timeout=30).run()
    assert not app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def test_the_menu_assigns_and_mutes_and_says_so(
    runtime: Runtime, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, "maya")
    app = menu()
    [chosen] = app.selectbox
    assert chosen.options == ["Nobody", "Me (Maya Lind)", "Jon *Berg*"]
    app = chosen.select("jon").run()
    assert [toast.value for toast in app.toast] == ["Assigned to Jon \\*Berg\\*\\."]
    app = button(app, "1 hour").click().run()
    assert app.toast[0].value.startswith("Muted until")
    state = records.of(store, [SUBJECT])[SUBJECT]
    assert state.assignee == "jon"
    assert state.is_muted(naive_utc(dt.datetime.now(dt.UTC)))
    button(app, "End mute").click().run()
    assert not records.of(store, [SUBJECT])[SUBJECT].muted_until
    assert triage_menu.comment(SUBJECT, WHAT, "Key rotated") == "Comment added."
    assert recorded(store, "assigned") == [("maya", WHAT, "to jon")]
    assert [detail for *_, detail in recorded(store, "muted")][-1] == "ended"
    assert recorded(store, "commented") == [("maya", WHAT, "")]
    with pytest.raises(InputError, match="Unknown user"):
        triage_menu.assign(SUBJECT, WHAT, "eve")
    # A manager sees the state and no buttons.
    app = menu("jon")
    assert not app.button
    assert [caption.value for caption in app.caption] == ["Assigned to Jon \\*Berg\\*"]


ZONES = st.sampled_from(["UTC", "Europe/Oslo", "America/New_York", "Pacific/Apia", "Asia/Kolkata"])
MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC))


@given(now=MOMENTS, name=ZONES, days=st.integers(1, 400))
def test_a_mute_ends_at_nine_in_the_viewers_zone(now: dt.datetime, name: str, days: int) -> None:
    zone = ZoneInfo(name)
    local = now.astimezone(zone).date()
    for choice, day in (
        ("tomorrow", local + dt.timedelta(days=1)),
        ((local + dt.timedelta(days=days)).isoformat(), local + dt.timedelta(days=days)),
    ):
        end = triage_menu.mute_end(choice, now, zone).replace(tzinfo=dt.UTC).astimezone(zone)
        assert (end.date(), end.hour, end.minute) == (day, 9, 0)
        assert end > now
    assert triage_menu.mute_end("hour", now, zone) == naive_utc(now) + dt.timedelta(hours=1)
    assert triage_menu.mute_end("week", now, zone) == naive_utc(now) + dt.timedelta(days=7)


@pytest.mark.parametrize("choice", ["", "soon", "9999-99-99"])
def test_an_unknown_end_is_refused(choice: str) -> None:
    with pytest.raises(InputError):
        triage_menu.mute_end(choice, dt.datetime.now(dt.UTC), ZoneInfo("UTC"))


def test_a_removed_user_keeps_the_username(runtime: Runtime) -> None:
    user = runtime.users.get("maya")
    assert user
    runtime.users.remove("jon")
    assert triage_menu.name_of("jon") == "jon"
    assert triage_menu.assignees(user) == [("maya", "Me (Maya Lind)")]
    assert triage_menu.assignees(User("sso", "Sol", "", "owner"))[0] == ("sso", "Me (Sol)")
