"""The number of weekend days before a day is exact, whatever the day of the week."""

import datetime as dt

from detectors.unusual_hour import weekend_days_before
from trail.storage.duckdb import Store


def test_weekend_days_between_two_days_are_counted_one_by_one(store: Store) -> None:
    days = [dt.date(2026, 8, 1) + dt.timedelta(days=number) for number in range(25)]
    pairs = store.table(
        "with days as (select unnest($days::date[]) as day) select a.day as first, b.day as last, "
        f"{weekend_days_before('b.day')} - {weekend_days_before('a.day')} as n "
        "from days a join days b on a.day <= b.day",
        {"days": [day.isoformat() for day in days]},
    ).to_pylist()
    assert len(pairs) == 25 * 26 / 2
    for pair in pairs:
        between = [day for day in days if pair["first"] <= day < pair["last"]]
        assert pair["n"] == sum(day.isoweekday() >= 6 for day in between), pair
