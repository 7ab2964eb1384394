"""Several workspaces: each has its own token, cursor, coverage and health; none hides another."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

import loaders._segment_http
from loaders._segment_http import SegmentSettings
from loaders.segment_api import LOADER
from tests.conftest import rows
from tests.segment_api_server import TOKEN, SegmentApi
from tests.segment_records import api_event
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import directory, feeds, polling, source_health
from trail.storage import collected_by
from trail.storage.database import Store

NOW = dt.datetime(2026, 11, 24, 10, 0)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SegmentApi]:
    monkeypatch.setattr(loaders._segment_http, "_sleep", lambda _: None)
    at = (NOW - DAY).isoformat(timespec="milliseconds")
    with SegmentApi([{**api_event(1), "timestamp": f"{at}Z"}]) as running:
        yield running


@pytest.fixture
def several(settings: Settings, api: SegmentApi) -> Settings:
    tokens = {"eu": SecretStr(TOKEN), "apac": SecretStr("sgp_wrong")}
    segment = SegmentSettings(
        token=SecretStr(TOKEN), tokens=tokens, regions={"eu": "eu"}, url=api.url, patience_s=2
    )
    return settings.model_copy(update={"segment": segment})


def poll(store: Store, settings: Settings, now: dt.datetime) -> dict[str, Any]:
    polled = feeds.configured(settings)
    return {feed.name: polling.pull(store, settings, feed, now) for feed in polled}


def test_each_workspace_is_polled_with_its_own_settings(several: Settings) -> None:
    polled = feeds.configured(several)
    assert [feed.name for feed in polled] == ["segment_api", "segment_api:apac", "segment_api:eu"]
    assert [feeds.workspace_of(feed) for feed in polled] == ["", "apac", "eu"]
    narrowed = {name: own.of(SegmentSettings) for name, own in LOADER.more(several).items()}
    assert narrowed["eu"].region == "eu" and narrowed["apac"].region == "us"
    assert narrowed["apac"].token.get_secret_value() == "sgp_wrong"
    # Without a first token, the others are polled all the same.
    only = several.of(SegmentSettings).model_copy(update={"token": SecretStr("")})
    others = several.model_copy(update={"segment": only})
    assert [feeds.workspace_of(feed) for feed in feeds.configured(others)] == ["apac", "eu"]
    with pytest.raises(InputError):
        feeds.of_workspace(LOADER, "gone").available(several, NOW)


def test_a_failing_workspace_is_not_hidden_by_one_that_works(
    store: Store, several: Settings
) -> None:
    working = several.of(SegmentSettings).model_copy(update={"tokens": {"eu": SecretStr(TOKEN)}})
    good = several.model_copy(update={"segment": working})
    assert {batch.error for batch in poll(store, good, NOW).values()} == {""}
    assert len(rows(store)) == 1
    assert coverage.known_until(store, NOW) == NOW
    broken = working.model_copy(update={"tokens": {"eu": SecretStr("sgp_wrong")}})
    bad = several.model_copy(update={"segment": broken})
    for hours in range(1, 4):
        poll(store, bad, NOW + hours * HOUR)
    later = NOW + 3 * HOUR
    health = {item.name: item for item in source_health.sources(store, bad, later)}
    assert health["segment_api"].state != "failing"
    assert health["segment_api:eu"].state == "failing"
    assert "sgp_wrong" not in health["segment_api:eu"].message
    assert coverage.known_until(store, later) == NOW
    assert [span.state for span in coverage.spans(store, NOW - HOUR, later)] == ["watched", "gap"]
    # Once it is removed, it is off, and the others count alone.
    removed = working.model_copy(update={"tokens": {}})
    alone = several.model_copy(update={"segment": removed})
    for hours in range(4, 7):
        poll(store, alone, NOW + hours * HOUR)
    assert coverage.known_until(store, NOW + 6 * HOUR) == NOW + 6 * HOUR
    states = [span.state for span in coverage.spans(store, NOW - HOUR, NOW + 6 * HOUR)]
    assert states == ["watched", "gap", "watched"]


def test_names_of_workspaces_and_the_way_of_their_events(store: Store, several: Settings) -> None:
    polling.refresh_directory(store, several, feeds.of_workspace(LOADER, "eu"), NOW)
    assert directory.workspace_name(store) == ""
    polling.refresh_directory(store, several, LOADER, NOW)
    assert directory.workspace_name(store) == "Example Ltd"
    assert directory.workspace_names(store) == {"VWDxzzIpI5": "Example Ltd"}
    assert collected_by.way_of("segment_api:eu") == collected_by.way_of("segment_api") == "api"
