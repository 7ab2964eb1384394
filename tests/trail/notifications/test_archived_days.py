"""Alert rules, back-tests and replays also count the days that are archived."""

import datetime as dt
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.conftest import Load
from tests.trail.notifications.conftest import Clock, forward, hook
from tests.trail.notifications.test_evaluate import SaveRule, alerts, delivered, save_rule
from tests.trail.random_trail import add_unverified, event
from tests.trail.retention.test_policy import text, with_archive, with_retention
from trail.core.clock import naive_utc
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.notifications import delivery_log, destinations, event_streams, matches
from trail.notifications.dry_run import dry_run
from trail.notifications.evaluate import Alerts
from trail.notifications.rule import Rule
from trail.storage import tiers
from trail.storage.duckdb import Store

__all__ = ["alerts", "save_rule"]
NOW = dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC)
# The first moment of the days that stay in the database.
CUTOFF = dt.datetime(2026, 11, 13)
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
SOON = naive_utc(NOW) - 5 * MINUTE


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_retention(with_archive(tmp_path), 7)


@pytest.fixture
def clock() -> Clock:
    return Clock(naive_utc(NOW))


def archive(store: Store, settings: Settings) -> None:
    assert fixed_clock.retain(store, settings, NOW).archived


def test_an_actor_of_archived_days_is_not_new(
    store: Store,
    settings: Settings,
    load: Load,
    alerts: Alerts,
    save_rule: SaveRule,
    tmp_path: Path,
) -> None:
    save_rule("New", kind="new_actor")
    early = CUTOFF - 3 * DAY
    load(text(event("a1", early, actor="users/ana")))
    add_unverified(store, tmp_path, [event("m1", early, actor="users/mallory")])
    archive(store, settings)
    alerts.run_once()
    names = ("users/ana", "users/mallory", "users/new")
    load(text(*(event(f"b{n}", SOON, actor=name) for n, name in enumerate(names))))
    alerts.run_once()
    reported = ["users/mallory", "users/new"]  # what is not verified makes nobody known
    assert sorted(m["targets"][0]["label"] for m in delivered(store)) == reported
    for engine in (store, tiers.both(store)):
        found = dry_run(engine, Rule("New", "new_actor"), 7, now=naive_utc(NOW)).entries
        assert [entry.label for entry in found] == reported
    whole = dry_run(tiers.both(store), Rule("New", "new_actor"), 30, now=naive_utc(NOW)).entries
    assert [entry.label for entry in whole] == ["users/ana", *reported]


def test_an_actor_is_new_at_its_first_event_of_an_archived_hour(
    store: Store, settings: Settings, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    hour = CUTOFF - DAY + dt.timedelta(hours=9)
    load(text(*(event(f"a{n}", hour + 10 * MINUTE, actor=f"users/{n}") for n in range(3))))
    archive(store, settings)
    save_rule("New", kind="new_actor")
    alerts.settings = alerts.settings.model_copy(update={"forward": forward(alert_hours=240)})
    alerts.run_once()
    load(text(event("b0", hour + MINUTE, actor="users/0"), event("b1", SOON, actor="users/1")))
    load(text(event("b2", hour + 20 * MINUTE, actor="users/2")))
    alerts.run_once()
    assert [message["targets"][0]["label"] for message in delivered(store)] == ["users/0"]

    settings.store.archive_path.rename(settings.store.archive_path.with_name("away"))
    load(text(event("b3", hour + 30 * MINUTE, actor="users/2"), event("b4", SOON, actor="users/3")))
    alerts.run_once()
    labels = {target["label"] for message in delivered(store) for target in message["targets"]}
    assert labels == {"users/0", "users/3"}, "events of the database are enough"


def test_a_threshold_counts_the_archived_part_of_its_window(
    store: Store, settings: Settings, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    save_rule("Many", threshold=3, window_minutes=20 * 24 * 60, group_by="actor")
    load(text(*(event(f"a{n}", CUTOFF - n * DAY, actor="users/ana") for n in (1, 2))))
    archive(store, settings)
    alerts.run_once()
    load(text(event("b", SOON, actor="users/ana")))
    alerts.run_once()
    assert [message["count"] for message in delivered(store)] == [3]


def test_archived_events_end_a_silence(
    store: Store, settings: Settings, load: Load, alerts: Alerts, save_rule: SaveRule
) -> None:
    rule = save_rule("Quiet", kind="silence", query="action=Source+Created", silent_minutes=14_400)
    load(text(event("a", naive_utc(NOW) - 9 * DAY), event("b", SOON, "Source Deleted")))
    archive(store, settings)
    alerts.run_once()
    assert delivered(store) == []

    folder = settings.store.archive_path
    folder.rename(folder.with_name("away"))
    for _ in range(2):
        alerts._silence_checked_at = None
        status = alerts.run_once()
        assert f"Rule {rule.name!r}: Archive file" in status, "unknown is not silent"
    assert delivered(store) == []
    folder.with_name("away").rename(folder)
    alerts._silence_checked_at = None
    assert "1 rules, 0 targets" in alerts.run_once()

    clock = alerts.clock
    alerts.clock = lambda: clock() + DAY + MINUTE
    alerts.run_once()
    assert [message["text"] for message in delivered(store)] == [matches.silence_text(rule)]


def test_the_back_test_of_silence_ends_with_archived_events(
    store: Store, settings: Settings, load: Load
) -> None:
    rule = Rule("Quiet", "silence", silent_minutes=5 * 24 * 60)
    load(text(*(event(f"e{n}", naive_utc(NOW) - n * DAY) for n in range(1, 25, 4))))
    whole = dry_run(store, rule, 30, now=naive_utc(NOW))
    archive(store, settings)
    assert dry_run(store, rule, 30, now=naive_utc(NOW)) == whole


def test_a_replay_sends_archived_events(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "_REPLAY_CHUNK", 4)
    days = range(1, 13)
    load(text(*(event(f"e{n:02}", naive_utc(NOW) - n * DAY) for n in days)))
    number = hook(store, "https://hooks.example.com/", streams=True).destination_id
    stream, now = destinations.get(store, number), naive_utc(NOW)
    since = now - 10 * DAY
    whole = event_streams.count_replay(store, stream, since, now)
    assert whole.events == 10
    archive(store, settings)
    both = tiers.both(store)
    assert event_streams.count_replay(both, stream, since, now) == whole

    def send() -> int:
        return store.write(
            lambda cursor: event_streams.replay(cursor, both, number, since, now, confirmed=10)
        )

    folder = settings.store.archive_path
    folder.rename(folder.with_name("away"))
    for _ in range(2):
        with pytest.raises(UnavailableError, match="missing or damaged"):
            event_streams.count_replay(both, stream, since, now)
        with pytest.raises(UnavailableError, match="missing or damaged"):
            send()
    assert delivery_log.counts(store) == {}
    folder.with_name("away").rename(folder)
    assert send() == 10
    rows = store.table("select key from deliveries order by delivery_id")
    assert rows["key"].to_pylist() == [f"e{n:02}" for n in range(10, 0, -1)]
    assert event_streams.count_replay(both, stream, since, now).total == 0
