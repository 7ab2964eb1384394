"""Events that keep arriving: their pace, and what a repeated event shares with the earlier one."""

import datetime as dt
import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trail import demo
from trail.core.catalogue import ROUTINE_KINDS, resolve
from trail.demo import live

NOW = dt.datetime(2026, 11, 24, 18, 30, 1, 5_000)
END = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


@given(hour=st.integers(0, 23), seed=st.integers(0, 1_000))
def test_an_event_arrives_every_20_to_60_seconds(hour: int, seed: int) -> None:
    assert 20 <= live.pause_s(NOW.replace(hour=hour), random.Random(seed)) <= 60


def test_events_arrive_more_often_by_day() -> None:
    def mean(hour: int) -> float:
        at = NOW.replace(hour=hour)
        return sum(live.pause_s(at, random.Random(seed)) for seed in range(100)) / 100

    assert mean(18) < 40 < 50 < mean(4)


def test_only_what_the_workspace_does_by_itself_is_repeated(tmp_path: Path) -> None:
    demo.write(tmp_path / "demo.ndjson", 1_000, 30, 1, end=END)
    lines = (tmp_path / "demo.ndjson").read_text().splitlines()
    chosen = [json.loads(line) for line in lines if live.is_routine(line)]
    assert len(chosen) > 20
    assert {record["userId"] for record in chosen} == {"__system__"}
    assert all(resolve(r["properties"]["type"]).kind in ROUTINE_KINDS for r in chosen)
    assert all(resolve(name).known for name in live.ACTIONS)


def test_a_repeated_event_is_another_one_at_its_time(tmp_path: Path) -> None:
    demo.write(tmp_path / "demo.ndjson", 1_000, 30, 1, end=END)
    lines = (tmp_path / "demo.ndjson").read_text().splitlines()
    line = next(line for line in lines if live.is_routine(line) and "message_id" in line)
    before, after = json.loads(line), json.loads(live.repeated(line, NOW, random.Random(1)))
    assert before["messageId"] != after["messageId"]
    assert len(before["messageId"]) == len(after["messageId"])
    assert before["properties"]["details"].pop("message_id") != (
        after["properties"]["details"].pop("message_id")
    )
    assert before["properties"] == after["properties"]
    assert after["receivedAt"] == "2026-11-24T18:30:01.005Z"
    assert after["timestamp"] == after["originalTimestamp"] == "2026-11-24T18:30:00.915Z"


def test_life_goes_on_after_the_window(tmp_path: Path) -> None:
    demo.write(tmp_path / "demo.ndjson", 3_000, 30, 1, end=END, more_days=10)
    lines = (tmp_path / "demo.ndjson").read_text().splitlines()
    days = [json.loads(line)["timestamp"][:10] for line in lines]
    assert (days[0], days[-1]) == ("2026-10-25", "2026-12-03")
    assert 2_900 < sum(day < "2026-11-24" for day in days) < 3_100
    assert 900 < sum(day >= "2026-11-24" for day in days) < 1_400

    def last_day_of(words: str) -> str:
        return max(day for day, line in zip(days, lines, strict=True) if words in line)

    # The stories are before its end; the warehouse still fails after it.
    assert last_day_of("Only consented → Amplitude") < "2026-11-24"
    assert last_day_of("Warehouse Run Failed") == "2026-12-03"
