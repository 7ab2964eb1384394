"""Test the conversions of times to UTC."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from trail.core.clock import carried, naive_utc, running_from, utc_now, utc_text

ROOT = Path(__file__).parents[3]
NAMES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]
ZONES = st.sampled_from(NAMES).map(ZoneInfo)
MOMENTS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1))


@given(MOMENTS, ZONES)
def test_naive_utc_is_the_same_moment(moment: dt.datetime, zone: ZoneInfo) -> None:
    aware = moment.replace(tzinfo=dt.UTC).astimezone(zone)
    assert naive_utc(aware) == moment
    assert naive_utc(moment) == moment
    assert dt.datetime.fromisoformat(utc_text(aware)) == aware


def test_utc_now_has_no_zone() -> None:
    before = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    assert utc_now().tzinfo is None
    assert before <= utc_now()


def test_the_clock_runs_from_a_moment_in_its_context_only() -> None:
    then = dt.datetime(2026, 3, 1, 12)
    with running_from(then):
        assert then <= utc_now() < then + dt.timedelta(minutes=1)
        job = carried(utc_now)
        with ThreadPoolExecutor(1) as pool:
            elsewhere, there = pool.submit(utc_now).result(), pool.submit(job).result()
    assert abs(elsewhere - utc_now()) < dt.timedelta(minutes=1)
    assert then <= there < then + dt.timedelta(minutes=1)
    assert abs(job() - then) < dt.timedelta(minutes=1)
    assert abs(utc_now() - naive_utc(dt.datetime.now(dt.UTC))) < dt.timedelta(seconds=1)


def test_only_the_demo_lives_in_another_time() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in ("trail", "ui", "pages", "loaders", "forwarders", "detectors")
        for path in (ROOT / folder).rglob("*.py")
        if "running_from" in path.read_text()
    ]
    assert [path for path in users if "demo" not in path] == ["trail/core/clock.py"]
