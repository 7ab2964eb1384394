"""Test the conversions of times to UTC."""

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from trail.core.clock import naive_utc, utc_now, utc_text

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
