"""An implausible clock stops retention and sealing until an owner confirms it."""

import datetime as dt
import re
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests import fixed_clock
from tests.conftest import Load, rows
from tests.trail.random_trail import event
from tests.trail.retention.test_policy import text, with_retention
from trail.core.clock import utc_now
from trail.core.model import Batch
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.integrity import acceptance, clock_check, seal_status, sealing, verification
from trail.integrity.clock_check import ImplausibleClockError
from trail.retention import policy
from trail.runtime import maintenance
from trail.runtime.job import Job, JobContext
from trail.storage import cube, cursors
from trail.storage.duckdb import Store
from trail.storage.event_flags import AHEAD

# Today, since seals and loads are dated by the machine; later moments are simulated.
START = dt.datetime.combine(utc_now().date(), dt.time(12))
DAY = dt.timedelta(days=1)
TRAIL = Path(__file__).parents[3] / "trail"


def arrive(
    store: Store, settings: Settings, name: str, at: dt.datetime, clock: dt.datetime
) -> dt.datetime:
    """Load an event that occurred at *at*, stored as if *clock* had been the present moment.

    Returns when it expires from: an event that is dated in the future does so by its arrival.
    """
    kept = cursors.kept(store)
    path = settings.store.path.with_name(f"{name}.ndjson")
    path.write_bytes(text(event(name, at)))
    batch: Batch = next(load_files(store, settings, [path]))
    assert batch.kept == 1
    arrival = max(clock, kept + dt.timedelta(microseconds=1)) if kept else clock
    store.write(lambda cursor: cursors.put(cursor, cursors.KEPT, arrival.isoformat()))
    future_dated = at > arrival + AHEAD
    changes = (
        f"update batches set started_at = timestamp '{clock}', ended_at = timestamp '{clock}' "
        f"where batch_id = {batch.batch_id}",
        f"update events set ingested_at = timestamp '{arrival}', future_dated = {future_dated} "
        f"where batch_id = {batch.batch_id}",
        "delete from cube",
    )
    for change in changes:
        store.write(lambda cursor, sql=change: cursor.execute(sql))
    store.write(cube.add)
    return arrival if future_dated else at


def ids(store: Store) -> set[str]:
    return {row["event_id"] for row in rows(store, "event_id")}


def stopped(store: Store, settings: Settings, clock: dt.datetime) -> bool:
    """Return whether both retention and sealing refuse *clock*; they never differ."""
    results = set()
    for context in (policy.retain, sealing.seal):
        try:
            context(store, settings, clock)
            results.add(False)
        except ImplausibleClockError:
            results.add(True)
    assert len(results) == 1
    return results.pop()


def test_a_forward_step_stops_both_and_an_arrival_under_it_changes_nothing(
    store: Store, settings: Settings
) -> None:
    arrive(store, settings, "first", START, START)
    wrong = START + 210 * DAY
    assert stopped(store, settings, wrong)
    arrive(store, settings, "late", wrong, wrong)
    arrive(store, settings, "later", wrong + DAY, wrong + DAY)
    for days in (2, 10):
        assert stopped(store, settings, wrong + days * DAY)
    assert ids(store) == {"first", "late", "later"}
    assert seal_status.status(store).sealed_to is None


def test_a_step_after_checks_stops_both_until_confirmed(store: Store, settings: Settings) -> None:
    arrive(store, settings, "first", START, START)
    assert not stopped(store, settings, START + DAY)
    clock = START + 210 * DAY
    assert stopped(store, settings, clock)
    shown = clock_check.moments(store, clock)
    assert not shown.plausible
    assert (shown.newest_arrival, shown.plausible_at) == (START, START + DAY)
    assert "there is no seal yet" in shown.text()
    for moment in (clock, START, START + DAY):
        assert f"{moment:%Y-%m-%d %H:%M} UTC" in shown.text()
    clock_check.confirm(store, shown)
    assert not stopped(store, settings, clock + DAY)
    assert ids(store) == set()
    # Valid until times disagree again.
    assert stopped(store, settings, clock + 20 * DAY)


def test_a_confirmation_covers_only_the_moment_that_was_shown(
    store: Store, settings: Settings
) -> None:
    arrive(store, settings, "first", START, START)
    shown = clock_check.moments(store, START + 30 * DAY)
    clock_check.confirm(store, shown)
    assert stopped(store, settings, START + 300 * DAY)
    assert ids(store) == {"first"}


def test_a_quiet_workspace_goes_on(store: Store, settings: Settings) -> None:
    arrive(store, settings, "only", START, START)
    for day in range(6, 31, 6):
        assert not stopped(store, settings, START + day * DAY)
    assert seal_status.status(store).sealed_to == (START + 28 * DAY).date()


def test_loads_show_a_plausible_clock_where_retention_is_rare(
    store: Store, settings: Settings
) -> None:
    for number in range(4):
        at = START + 6 * number * DAY
        arrive(store, settings, f"e{number}", at, at)
    assert not stopped(store, settings, START + 19 * DAY)
    assert stopped(store, settings, START + 40 * DAY)


@pytest.mark.parametrize("days", [-300, -8])
def test_a_backward_step_stops_both(store: Store, settings: Settings, days: int) -> None:
    arrive(store, settings, "first", START, START)
    assert not stopped(store, settings, START)
    assert stopped(store, settings, START + days * DAY)
    assert not stopped(store, settings, START + DAY)


def test_an_arrival_from_a_wrong_clock_is_asked_about_once(
    store: Store, settings: Settings
) -> None:
    arrive(store, settings, "first", START, START)
    assert not stopped(store, settings, START)
    arrive(store, settings, "ahead", START, START + 200 * DAY)
    assert stopped(store, settings, START + DAY)
    clock_check.confirm(store, clock_check.moments(store, START + DAY))
    for day in (2, 9):  # arrivals continue after the wrong one, as `next_moment` has them
        arrive(store, settings, f"e{day}", START, START + day * DAY)
        assert not stopped(store, settings, START + day * DAY)


def test_an_empty_store_and_old_files_need_no_confirmation(
    store: Store, settings: Settings
) -> None:
    assert not stopped(store, settings, START)
    arrive(store, settings, "old", START - 60 * DAY, START + DAY)
    assert not stopped(store, settings, START + 2 * DAY)
    assert ids(store) == {"old"}


def test_a_database_without_the_mark_is_compared_with_its_last_seal(
    store: Store, settings: Settings, load: Load
) -> None:
    """As after an upgrade; the arrivals of a quiet workspace may be old, its seals are not."""
    load(text(event("e", utc_now() - 3 * DAY)))
    assert sealing.seal(store, settings, utc_now()) > 0
    store.write(lambda cursor: cursors.put(cursor, "clock", ""))
    store.write(lambda cursor: cursors.put(cursor, cursors.KEPT, (START - 20 * DAY).isoformat()))
    assert clock_check.moments(store, utc_now()).plausible
    assert stopped(store, settings, utc_now() + 8 * DAY)


WAITS = st.integers(0, 6)
OFFSETS = st.one_of(st.just(0), st.integers(14, 400), st.integers(-400, -14))
ACTIONS = st.one_of(
    st.tuples(st.just("wait"), WAITS),
    st.tuples(st.just("clock"), OFFSETS),
    st.tuples(st.sampled_from(["arrive", "tick", "owner"]), st.just(0)),
)


@profile(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=st.lists(ACTIONS, min_size=4, max_size=14))
def test_no_clock_makes_retention_remove_what_is_not_old(actions: list[tuple[str, int]]) -> None:
    """The owner confirms only a right clock. A clock that never stepped is never asked about."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trail.duckdb"
        settings = with_retention(Settings(store=StoreSettings(path=path, memory="1GB")), 10)
        store, now, offset, stepped = Store.open(path, settings), START, 0, False
        occurred = {"e0": arrive(store, settings, "e0", now, now)}
        observed = now
        try:
            for number, (action, days) in enumerate(actions, 1):
                clock = now + offset * DAY
                if action == "wait":
                    now += days * DAY
                elif action == "clock":
                    offset, stepped = days, stepped or days != 0
                elif action == "arrive":
                    occurred[f"e{number}"] = arrive(store, settings, f"e{number}", now, clock)
                elif action == "owner" and offset == 0:
                    fixed_clock.confirm(store, clock)
                    observed, stepped = now, False
                    policy.retain(store, settings, clock)
                else:
                    try:
                        policy.retain(store, settings, clock)
                    except ImplausibleClockError:
                        assert stepped or now - observed > 7 * DAY
                if action in ("arrive", "tick") and now - observed <= 7 * DAY:
                    observed = now
                for name in occurred.keys() - ids(store):
                    assert occurred[name] < settings.store.cutoff(now)
        finally:
            store.close()


def entries(store: Store, settings: Settings) -> dict[str, Callable[[], object]]:
    """Return everything that removes or seals at the present moment."""
    context = JobContext(settings, lambda: store, lambda: store, threading.Event())
    jobs = {job.health.name: job for job in maintenance.jobs(context, threading.Event())}

    def job(name: str) -> Callable[[], object]:
        run: Callable[[Job], str] = jobs[name].run
        return lambda: run(jobs[name])

    return {
        "retain": lambda: policy.retain(store, settings, utc_now()),
        "seal": lambda: sealing.seal(store, settings, utc_now()),
        "accept": lambda: acceptance.accept(store, settings, "a reason", "mara"),
        "job retention": job("retention"),
        "job seals": job("seals"),
    }


def test_every_entry_is_stopped_and_goes_on_after_the_answer(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(event("old", utc_now() - 200 * DAY), event("new", utc_now() - 3 * DAY)))
    fixed_clock.confirm(store, utc_now() - 210 * DAY)  # so the present is a step forward
    for name, entry in entries(store, settings).items():
        with pytest.raises(ImplausibleClockError, match="times differ by more than 7 days"):
            entry()
        assert ids(store) == {"old", "new"}, name
        assert seal_status.status(store).sealed_to is None, name
    assert verification.verify(store, settings).ok
    fixed_clock.confirm(store, utc_now())
    for entry in entries(store, settings).values():
        entry()
    assert ids(store) == {"new"}


def test_nothing_else_purges_or_seals() -> None:
    """Only modules that check the clock use the purge and the writer of seals.

    A purge seals in its own transaction. A restore always works; it removes nothing.
    """
    users: dict[str, set[str]] = {"Purge": set(), "append": set()}
    for path in TRAIL.rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        for name, call in (
            ("Purge", r"(?<!class )\bPurge\($"),
            ("append", r"\bseal_store\.append\("),
        ):
            if re.search(call, code, re.MULTILINE):
                users[name].add(path.stem)
    assert users == {
        "Purge": {"policy"},
        "append": {"sealing", "acceptance", "removal_seals", "restore_seals"},
    }
    for name in ("retention/policy.py", "integrity/sealing.py", "integrity/acceptance.py"):
        assert "clock_check.require_plausible(" in (TRAIL / name).read_text(encoding="utf-8")
