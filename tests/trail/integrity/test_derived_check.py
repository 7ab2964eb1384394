"""What pages show is recomputed from the records; each difference is named."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.segment_records import forwarded
from tests.trail.integrity.conftest import Trail, event
from trail.core.model import Directory, Person
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.evidence import manifest
from trail.evidence.period import resolve
from trail.ingest import directory
from trail.integrity import derived_check, verification
from trail.integrity.chain_history import Problem
from trail.storage import dimensions
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

OPEN = "occurred_at >= '2026-11-08' and occurred_at < '2026-11-09'"
OTHER_ACTION = "(select action_key from actions where action_raw = 'Tracking Plan Deleted')"
OTHER_TARGET = "(select target_key from targets where target_id = 'rs_9')"
OTHER_IDENTITY = "(select identity_key from identities where recorded_actor_id = 'users/other')"
ONE = "(select min(event_id) from events where occurred_at >= '2026-11-02')"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a trail with sealed days, two open days, names and second reports."""
    folder = tmp_path_factory.mktemp("derived")
    trail = Trail(Settings(store=StoreSettings(path=folder / "trail.duckdb")), folder)
    trail.load([event(number, of) for of in (1, 2) for number in range(6)])
    other = {"type": "Tracking Plan Deleted", "resourceId": "rs_9", "actor": "users/other"}
    trail.load([event(20, 2, **other)])
    trail.run(lambda store: directory.keep(store, PEOPLE))
    trail.run(lambda s: s.write(lambda c: dimensions.map_action(c, "New One", "Source", "dana")))
    assert trail.seal() == 6
    trail.load([event(number, of) for of in (7, 8) for number in range(6)])
    trail.load([forwarded(number) for number in range(3)])
    assert trail.verify().problems == ()
    return folder


PEOPLE = Directory(
    "ws_1", "Example", "example", (Person("users/mara", "Mara Example", "mara@example.com"),)
)


@pytest.fixture
def shown(prepared: Path, settings: Settings) -> Iterator[Trail]:
    """Return a copy of the prepared trail."""
    folder = settings.store.path.parent
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    yield Trail(settings, folder, loads=9)


EDITS = {
    "update actions set category = 'Privacy'": "category changed",
    "update actions set kind = 'read'": "kind changed",
    "update actions set outcome = 'failure'": "outcome changed",
    "update actions set risk = 0": "risk changed",
    "update actions set action = 'Harmless'": "name changed",
    "update actions set known = not known": "known changed",
    "update actors set actor_type = 'system'": "actor type changed",
    "update actors set actor_email = 'other@example.com', email_at = '2026-11-08'": (
        "actor e-mail changed"
    ),
    "update identities set actor_email = 'other@example.com'": "recorded identities changed",
    "update identities set actor_name = 'Somebody'": "recorded identities changed",
    "update people set name = 'Somebody'": "directory changed",
    f"update events set action_key = {OTHER_ACTION} where event_id = {ONE}": "changed",
    f"update events set target_key = {OTHER_TARGET} where {OPEN}": "target changed",
    f"update events set action_key = {OTHER_ACTION} where {OPEN}": "action changed",
    f"update events set identity_key = {OTHER_IDENTITY} where {OPEN}": "actor changed",
    "update events set workspace_id = 'other' where occurred_at >= '2026-11-08'": (
        "workspace changed"
    ),
    "update targets set target_name = 'Another'": "target changed",
    "delete from cube where hour = (select min(hour) from cube)": "count changed",
    "update cube set n = n + 1 where hour = (select max(hour) from cube)": "count changed",
    "update cube set actor_type = 'token'": "count changed",
    "delete from actor_cube where hour = (select max(hour) from actor_cube)": "count changed",
    "update actor_cube set actor_key = 0": "count changed",
    "update events set future_dated = true where occurred_at >= '2026-11-08'": "flag changed",
    "update events set unverified = true where occurred_at < '2026-11-02'": "flag changed",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_alteration_of_what_pages_show(shown: Trail, edit: str) -> None:
    shown.sql(edit)
    assert EDITS[edit] in {problem.problem for problem in shown.verify().problems}


def test_the_text_names_what_differs_and_on_which_day(shown: Trail) -> None:
    shown.sql("update actions set risk = 0 where risk > 0")
    shown.sql("update events set workspace_id = 'other' where occurred_at >= '2026-11-08'")
    texts = [problem.text for problem in shown.verify().problems]
    assert any(text.startswith("2026-11-08: 6 events have another workspace") for text in texts)
    assert any("instead of" in text and text.startswith("The risk of the action") for text in texts)


def test_a_fresh_evidence_pack_says_so(shown: Trail) -> None:
    shown.sql("update actors set actor_type = 'system'", "delete from cube")
    now = dt.datetime(2026, 11, 9, tzinfo=dt.UTC)
    period = resolve(Filter.parse("from=2026-11-01&to=2026-11-09"), now)

    def alarms(store: Store) -> set[str]:
        with store.snapshot() as engine:
            found = manifest.alarms(engine, shown.settings, period, shown.files.known)
        return {alarm["problem"] for alarm in found}

    assert shown.run(alarms) == {"actor type changed", "count changed"}


def test_a_sample_finds_what_is_widespread(shown: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_check, "SAMPLE", 12)

    def found(store: Store, *, full: bool) -> list[Problem]:
        report = verification.verify(store, shown.settings, full=full)
        return [problem for problem in report.problems if problem.problem == "e-mail changed"]

    shown.sql("update events set identity_key = (select max(identity_key) from identities)")
    full = shown.run(lambda store: found(store, full=True))
    sampled = shown.run(lambda store: found(store, full=False))
    assert sum(problem.count for problem in full) > sum(problem.count for problem in sampled)
