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
from trail.integrity import derived_check
from trail.storage import collected_by, workspaces
from trail.storage.duckdb import Store
from trail.storage.filters import Choice

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
    spans = coverage.spans(store, NOW - HOUR, later)
    assert [(span.state, span.missing) for span in spans] == [
        ("watched", ()),
        ("gap", ("Example Ltd",)),
    ]
    # With a choice of workspaces, only those count: the first one goes on, the other one does not.
    store.write(lambda cursor: workspaces.put_source(cursor, "segment_api", "ws-first"))
    store.write(lambda cursor: workspaces.put_source(cursor, "segment_api:eu", "ws-eu"))
    first, eu = Choice(include=("ws-first",)), Choice(include=("ws-eu",))
    for of, known, states in (
        (first, later, ["watched"]),
        (Choice(exclude=("ws-eu",)), later, ["watched"]),
        (eu, NOW, ["watched", "gap"]),
        (Choice(exclude=("ws-first",)), NOW, ["watched", "gap"]),
        (Choice(include=("ws-first", "ws-eu")), NOW, ["watched", "gap"]),
        (Choice(include=("ws-of-no-source",)), None, ["unknown"]),
    ):
        assert coverage.known_until(store, later, of) == known
        spans = coverage.spans(store, NOW - HOUR, later, of)
        assert [span.state for span in spans] == states
        assert any(span.missing for span in spans) == (len(of.include) == 2)
        assert bool(coverage.behind(store, later, of)) == (len(of.include) == 2)
    assert coverage.behind(store, later) == ("ws-eu",)
    # Once it is removed, it is off, and the others count alone.
    removed = working.model_copy(update={"tokens": {}})
    alone = several.model_copy(update={"segment": removed})
    for hours in range(4, 7):
        poll(store, alone, NOW + hours * HOUR)
    assert coverage.known_until(store, NOW + 6 * HOUR) == NOW + 6 * HOUR
    states = [span.state for span in coverage.spans(store, NOW - HOUR, NOW + 6 * HOUR)]
    assert states == ["watched", "gap", "watched"]


def test_events_have_the_workspace_of_the_token_that_polled_them(
    store: Store, several: Settings, api: SegmentApi
) -> None:
    """Records of the Public API name no workspace; those that do keep their own."""
    own = {**api_event(2), "timestamp": api.events[0]["timestamp"], "workspaceId": "other"}
    api.events.append(own)
    bare = api.events[0]["id"]
    poll(store, several, NOW)
    found = {row["event_id"]: row["workspace_id"] for row in rows(store)}
    assert found == {bare: "VWDxzzIpI5", own["id"]: "other"}
    assert workspaces.by_source(store) == {
        "segment_api": "VWDxzzIpI5",
        "segment_api:eu": "VWDxzzIpI5",
    }
    asked = [seen.path for seen in api.seen].count("/")
    poll(store, several, NOW + HOUR)  # once after a start, but where that fails
    assert [seen.path for seen in api.seen].count("/") - asked <= 1
    # The token of another workspace is seen by the poll after the change.
    api.workspace = {"workspace": {"id": "ws9", "slug": "nine", "name": "Nine"}}
    api.events.append({**api_event(3), "timestamp": f"{NOW.isoformat(timespec='milliseconds')}Z"})
    changed = several.of(SegmentSettings).model_copy(update={"timeout_s": 7})
    poll(store, several.model_copy(update={"segment": changed}), NOW + 2 * HOUR)
    counted = store.table("select workspace_id as id, sum(n)::int as n from cube group by all")
    assert {row["id"]: row["n"] for row in counted.to_pylist()} == {
        "VWDxzzIpI5": 1,
        "other": 1,
        "ws9": 1,
    }
    ask = store.table
    problems = derived_check.problems(lambda sql: ask(sql).to_pylist(), several.limits, full=True)
    assert [problem.text for problem in problems] == []
    store.write(lambda cursor: cursor.execute("update events set workspace_id = 'x'") and None)
    problems = derived_check.problems(lambda sql: ask(sql).to_pylist(), several.limits, full=True)
    assert "workspace changed" in {problem.problem for problem in problems}


def _titles(store: Store, settings: Settings) -> list[str]:
    found = source_health.sources(store, settings, NOW)
    return [source.title for source in found if source.name == "segment_api:eu"]


def test_names_of_workspaces_and_the_way_of_their_events(
    store: Store, several: Settings, api: SegmentApi
) -> None:
    polling.refresh_directory(store, several, feeds.of_workspace(LOADER, "eu"), NOW)
    assert directory.workspace_name(store) == ""
    polling.refresh_directory(store, several, LOADER, NOW)
    assert directory.workspace_name(store) == "Example Ltd"
    assert workspaces.names(store) == {"VWDxzzIpI5": "Example Ltd"}
    # Sources are called as their workspaces are, once there are several.
    api.workspace = {"workspace": {"id": "ws9", "slug": "nine", "name": "Nine"}}
    assert _titles(store, several) == ["Segment Public API: Example Ltd"]
    polling.pull(store, several, feeds.of_workspace(LOADER, "eu"), NOW)
    assert _titles(store, several) == ["Segment Public API: Nine"]
    sources = workspaces.of_sources(store)
    assert collected_by.title("segment_api:eu", sources) == "Segment Public API (Nine)"
    assert collected_by.title("segment_api:new", sources) == "Segment Public API (new)"
    assert collected_by.way_of("segment_api:eu") == collected_by.way_of("segment_api") == "api"
