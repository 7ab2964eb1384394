"""Alerts about incidents say what Failures says, also of archived days."""

import datetime as dt
import json
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.conftest import Load
from tests.trail.incidents import failures
from tests.trail.notifications.conftest import hook
from tests.trail.retention.test_policy import with_archive, with_retention
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.incidents import incident_json
from trail.notifications import delivery_log, rule_store
from trail.notifications.rule import Rule
from trail.runtime import maintenance
from trail.storage import tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DAY_MINUTES = 24 * 60


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_retention(with_archive(tmp_path), 3)


@pytest.mark.parametrize("is_away", [False, True])
def test_an_incident_alert_has_the_owner_that_failures_has(
    store: Store, settings: Settings, load: Load, is_away: bool
) -> None:
    now = failures.at(6 * 60)
    changed = [
        failures.line(-days * DAY_MINUTES, "Warehouse Modified", failures.WAREHOUSE)
        for days in (20, 13, 6)
    ]
    runs = (one for hour in range(6) for one in failures.run(60 * hour, 5, failures.WAREHOUSE))
    load(failures.text(*changed, *runs))
    assert fixed_clock.retain(store, settings, now).archived == len(changed)
    hook(store, "https://hooks.example.com/", name="hook")
    rule = Rule("Broken", "incidents", destinations=("hook",))
    store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
    (shown,) = incident_json.records(tiers.both(store), Filter(start="3d"), now)
    assert shown["owner"]
    if is_away:
        settings.store.archive_path.rename(settings.store.archive_path.with_name("away"))
    maintenance.evaluate_alerts(store, naive_utc(now) + dt.timedelta(seconds=1))
    (delivery,) = delivery_log.list_deliveries(store)
    sent = json.loads(delivery["payload"])
    assert sent["incident_id"] == shown["incident_id"]
    assert (sent["owner"], sent["owner_reason"]) == (
        (None, None) if is_away else (shown["owner"], "last changed")
    )
