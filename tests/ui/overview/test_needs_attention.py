"""The list on the Overview: what each role sees and may do, and what an action changes."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests import detection
from tests.ui.test_triage_menu import recorded
from trail.access_log import log, spool
from trail.accounts.sessions import Sessions
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.findings import expiring
from trail.findings.detector import daily, events, workdays
from trail.findings.refresh import refresh
from trail.ingest.receiver import into_store
from trail.retention import legal_holds
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store
from trail.triage import records
from ui import triage_menu
from ui.components.attention import _parse, attention_list
from ui.overview import needs_attention


@pytest.fixture
def runtime(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """Return the current runtime: a finding that expires soon, three users, refused records."""
    detection.load(
        store,
        settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
    )
    refresh(store, detection.end_of_day(39))
    # The finding of day 38 leaves retention three days from now.
    age = utc_now().date() - detection.end_of_day(38).date()
    stored = settings.store.model_copy(update={"retention_days": age.days + 2})
    using = settings.model_copy(update={"store": stored})
    monkeypatch.setattr(process, "_current", [])
    schedule = Schedule(using, lambda: store, lambda: store)
    users = Users(tmp_path / "users.yaml", warn=False)
    for name, role in (("maya", "owner"), ("rita", "reviewer"), ("jon", "manager")):
        users.add(name, name.title(), "", role, "correct-horse-9")
    intake = into_store(using, lambda: store)
    made = Runtime(using, store, users, Sessions(12, 30), intake, schedule, False)
    process.start(made)
    log.start(lambda: (store, True), spool.folder_of(using), 400)
    yield made
    log.stop()
    schedule.close()
    intake.close()


def _page(username: str) -> None:
    """Draw the list; runs as a script of its own, so it has its own imports."""
    from trail.runtime import process
    from ui.overview import needs_attention
    from ui.page import Context

    user = process.current().users.get(username)
    assert user
    needs_attention.draw(Context(user, process.current()))


@pytest.fixture
def see(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that acts as a user and returns the drawn list and the toasts."""

    def see_as(username: str, **message: str) -> tuple[dict[str, Any], list[str]]:
        parsed = _parse(message)

        def answered(data: Any, key: str, on_messages: Any) -> None:
            if parsed:  # as if the component had sent it
                on_messages([parsed])
            attention_list(data, key, on_messages)

        for module in (triage_menu, needs_attention):
            monkeypatch.setattr(module, "current_user", lambda: runtime.users.get(username))
        monkeypatch.setattr(needs_attention, "attention_list", answered)
        app = AppTest.from_function(_page, args=(username,), default_timeout=30).run()
        assert not app.exception
        [node] = [node for node in app.main if node.type == "bidi_component"]
        return json.loads(node.proto.json), [toast.value for toast in app.toast]

    return see_as


@pytest.mark.parametrize(
    ("zone", "later"), [("UTC", 0), ("Pacific/Kiritimati", 1), ("America/Los_Angeles", 0)]
)
def test_a_finding_is_of_the_day_in_the_zone_of_the_viewer(
    runtime: Runtime, zone: str, later: int
) -> None:
    app = AppTest.from_function(_page, args=("maya",), default_timeout=30)
    app.session_state["zone"] = zone
    [node] = [node for node in app.run().main if node.type == "bidi_component"]
    [age] = [row["age"] for row in json.loads(node.proto.json)["rows"] if "finding:" in row["id"]]
    # It was at 11:00 UTC: the next day on Kiritimati (UTC+14), the same one everywhere else.
    day = detection.end_of_day(38).date() + dt.timedelta(days=later)
    assert age.startswith(f"{day:%a} {day.day} {day:%b}")


def test_each_role_sees_its_own_actions(see: Any) -> None:
    for username, label, may_hold in (("maya", "Place hold", True), ("rita", "Decide", False)):
        data, _ = see(username)
        rows = {row["id"].partition(":")[0]: row for row in data["rows"]}
        assert set(rows) == {"finding", "retention"}
        assert data["mayTriage"]
        assert (rows["retention"]["label"], rows["retention"]["mayHold"]) == (label, may_hold)
        assert rows["finding"]["address"].startswith("/unusual?finding=")
    data, _ = see("jon")
    assert data["rows"] == []
    assert not data["mayTriage"]
    assert data["empty"].startswith("Unknown since")


def test_an_owner_places_a_hold_and_a_reviewer_does_not(
    see: Any, runtime: Runtime, store: Store
) -> None:
    _, toasts = see("rita", do="hold", id="retention", reason="case 7")
    assert toasts == ["Your role cannot place legal holds\\. Ask an owner\\."]
    assert legal_holds.active(store) == []
    soon = expiring.expiring(store, runtime.settings, dt.datetime.now(dt.UTC))
    assert soon.findings == 1
    _, toasts = see("maya", do="hold", id="retention", reason="case 7")
    assert toasts == ["Hold 1 placed on 2 events\\."]
    [hold] = legal_holds.active(store)
    assert (hold["reason"], hold["made_by"]) == ("case 7", "maya")
    assert expiring.expiring(store, runtime.settings, dt.datetime.now(dt.UTC)).findings == 0
    assert [row["id"].partition(":")[0] for row in see("maya")[0]["rows"]] == ["finding"]
    assert recorded(store, "held")[0][:2] == ("maya", "hold 1")


def test_assigning_and_muting_say_what_they_did(see: Any, store: Store) -> None:
    subject = see("rita")[0]["rows"][0]["id"]
    assert see("rita", do="assign", id=subject, to="maya")[1] == ["Assigned to Maya\\."]
    assert see("rita", do="mute", id=subject, until="week")[1][0].startswith("Muted until")
    data, _ = see("maya")
    assert [row["id"] for row in data["muted"]] == [subject]
    assert data["muted"][0]["assigneeName"] == "Maya"
    assert subject not in [row["id"] for row in data["rows"]]
    assert see("jon", do="mute", id=subject, until="")[1] == []  # not on the list of a manager
    assert see("maya", do="mute", id=subject, until="")[1] == ["Mute ended\\."]
    assert see("maya", do="mute", id=subject, until="never")[1][0].startswith("Unknown end")
    assert not records.of(store, [subject])[subject].muted_until


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "erase", "id": "a"},
        {"do": "mute", "id": "a"},
        {"do": "assign", "id": 1, "to": "b"},
    ],
)
def test_other_messages_are_not_taken(message: dict[str, Any]) -> None:
    assert _parse(message) is None
